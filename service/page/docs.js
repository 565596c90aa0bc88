// The API to read and to try, with the token that the page was given.

import { url } from "./address.js";
import { storedToken } from "./token.js";

const spec = await (await fetch(url("openapi.json"))).json();
spec.servers = [{ url: url("").pathname.replace(/\/$/, "") || "/" }]; // also behind a proxy that we know nothing of
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
