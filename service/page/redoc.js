// The documentation of the API, to read.

import { url } from "./address.js";

const spec = await (await fetch(url("openapi.json"))).json();
Redoc.init(spec, { disableSearch: true, hideDownloadButton: false, nativeScrollbars: true }, document.getElementById("redoc"));
