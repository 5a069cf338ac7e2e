// Starts Swagger UI. Requests that it sends have the caller's session, as all of this site's, and the CSRF token.
"use strict";
(() => {
  const { document: url, csrfCookie, csrfHeader, csrfToken } = document.currentScript.dataset;
  const safe = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

  function token() {
    const found = document.cookie.split("; ").find((line) => line.startsWith(`${csrfCookie}=`));
    return csrfToken || (found && decodeURIComponent(found.slice(csrfCookie.length + 1)));
  }

  function withToken(request) {
    const sameOrigin = new URL(request.url, location.href).origin === location.origin;
    if (sameOrigin && !safe.has((request.method || "GET").toUpperCase()) && token()) {
      request.headers[csrfHeader] = token();
    }
    return request;
  }

  SwaggerUIBundle({
    url,
    dom_id: "#swagger-ui",
    deepLinking: true,
    validatorUrl: null, // its badge is another site's
    presets: [SwaggerUIBundle.presets.apis],
    requestInterceptor: withToken,
  });
})();
