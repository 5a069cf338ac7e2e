// Keeps the live part of a page up to date, and writes times in the browser's zone. A hidden tab asks nothing.
"use strict";
(() => {
  const live = document.getElementById("gateway-live");
  const said = document.getElementById("gateway-said");
  const language = document.documentElement.lang || undefined;

  const localise = (root) => {
    const format = new Intl.DateTimeFormat(language, { dateStyle: "short", timeStyle: "medium" });
    for (const element of root.querySelectorAll("time[datetime]")) {
      const moment = new Date(element.dateTime);
      if (Number.isNaN(moment.getTime())) continue;
      if (!element.title) element.title = element.textContent;
      element.textContent = format.format(moment);
    }
  };

  const admin = document.getElementById("gateway-admin");
  if (admin) localise(admin);
  if (!live) return;

  const announced = () => live.querySelector("[data-say]")?.dataset.say ?? "";
  let last = announced();

  const replace = (html) => {
    const open = [...live.querySelectorAll("details[open][id]")].map((element) => element.id);
    const focused = live.contains(document.activeElement) ? document.activeElement.id : "";
    const fresh = new DOMParser().parseFromString(html, "text/html");
    live.replaceChildren(...fresh.body.childNodes);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    localise(live);
    const now = announced();
    if (said && now !== last) said.textContent = now;
    last = now;
  };

  let asking = false;
  const ask = async () => {
    if (document.hidden || asking) return;
    asking = true;
    try {
      const headers = { "If-None-Match": live.dataset.etag, "X-Requested-With": "XMLHttpRequest" };
      const response = await fetch(live.dataset.news, { headers, cache: "no-store", redirect: "manual" });
      if (response.status === 200) {
        const html = await response.text();
        live.dataset.etag = response.headers.get("ETag") ?? "";
        replace(html);
      } else if (response.type === "opaqueredirect" || response.status === 403) {
        clearInterval(timer); // logged out: the next click says so
      }
    } catch {
      // The server is restarting, or the network is away: the next one may get through.
    } finally {
      asking = false;
    }
  };
  const timer = setInterval(ask, 1000 * Number(live.dataset.seconds || 10));
  document.addEventListener("visibilitychange", ask);
})();
