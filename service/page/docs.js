// The documentation of the API, to read and to try, with the token that was entered on the page.

import { url } from "./address.js";
import { storedToken } from "./token.js";

const spec = await (await fetch(url("openapi.json"))).json();
spec.servers = [{ url: url("").pathname.replace(/\/$/, "") || "/" }]; // right also behind a proxy that is not configured
const ui = SwaggerUIBundle({
  spec,
  dom_id: "#swagger-ui",
  deepLinking: true,
  presets: [SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  onComplete: () => {
    if (storedToken()) ui.preauthorizeApiKey("token", storedToken());
  },
});
