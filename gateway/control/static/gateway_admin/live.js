// Keeps the live part of a page up to date, and writes times in the browser's zone. A hidden tab asks nothing.
"use strict";
(() => {
  const live = document.getElementById("gateway-live");
  const said = document.getElementById("gateway-said");
  // The page's language as the browser's user writes it: "en-GB" where the page is in "en".
  const base = (tag) => tag.split("-")[0];
  const page = document.documentElement.lang;
  const language = navigator.languages.find((tag) => base(tag) === base(page)) ?? (page || undefined);

  // -- times ---------------------------------------------------------------------------------------

  const moments = new Intl.DateTimeFormat(language, { dateStyle: "short", timeStyle: "medium" });
  const days = new Intl.DateTimeFormat(language, { dateStyle: "short" });
  const hours = new Intl.DateTimeFormat(language, { weekday: "short", hour: "numeric", minute: "2-digit" });

  const localise = (root) => {
    for (const element of root.querySelectorAll("time[datetime], [data-hour]")) {
      const moment = new Date(element.dataset.hour ?? element.dateTime);
      if (Number.isNaN(moment.getTime())) continue;
      const { day, hour } = element.dataset;
      if (element.dateTime && !element.title) element.title = day === undefined ? element.textContent : moments.format(moment);
      element.textContent = (hour ? hours : day === undefined ? moments : days).format(moment);
    }
  };

  const admin = document.getElementById("gateway-admin");
  if (admin) localise(admin);
  if (!live) return;

  // -- news ----------------------------------------------------------------------------------------

  // Makes `old` like `fresh`. What is equal stays the same element, and keeps focus, selection and scroll position; what
  // the reader opened stays open. Elements with an id are recognised among their siblings, others by their place. What
  // has `data-keep`, such as forms, is left as it is.
  const morph = (old, fresh) => {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== fresh.data) old.data = fresh.data;
      return;
    }
    if ("keep" in old.dataset) return;
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    morphChildren(old, fresh);
  };

  const alike = (one, other) => one?.nodeName === other.nodeName && (one.id ?? "") === (other.id ?? "");

  const morphChildren = (old, fresh) => {
    const known = new Map([...old.children].filter((child) => child.id).map((child) => [child.id, child]));
    const wanted = new Set([...fresh.children].map((child) => child.id));
    let place = old.firstChild;
    for (const next of [...fresh.childNodes]) {
      const found = next.id ? known.get(next.id) : alike(place, next) ? place : undefined;
      if (!found || !alike(found, next)) {
        old.insertBefore(next, place);
        continue;
      }
      while (place !== found && place && !(place.id && wanted.has(place.id))) {
        const gone = place;
        place = place.nextSibling;
        gone.remove();
      }
      if (place === found) place = place.nextSibling;
      else old.insertBefore(found, place);
      morph(found, next);
    }
    while (place) {
      const gone = place;
      place = place.nextSibling;
      gone.remove();
    }
  };

  // Puts the focus back; if its element is gone, or hidden, to the nearest part around it that is still there.
  const refocus = (focused, around) => {
    for (const part of [focused, ...around.map((id) => document.getElementById(id))]) {
      if (document.activeElement === part) return;
      if (!part?.isConnected) continue;
      if (part.tabIndex < 0) part.tabIndex = -1;
      part.focus({ preventScroll: true });
      if (document.activeElement === part) return;
    }
  };

  const announced = () => live.querySelector("[data-say]")?.dataset.say ?? "";
  const revision = () => live.querySelector("[data-revision]")?.dataset.revision ?? "";
  const before = revision();
  let last = announced();

  const show = (fresh) => {
    const focused = document.activeElement;
    const around = [];
    for (let part = focused; live.contains(part); part = part.parentElement) if (part.id) around.push(part.id);
    localise(fresh.body);
    morphChildren(live, fresh.body);
    if (around.length) refocus(focused, around);
    const now = announced();
    if (said && now !== last) said.textContent = now;
    last = now;
    const moved = document.getElementById("gw-moved");
    if (moved) moved.hidden = revision() === before;
  };

  // The browser itself makes a document of the answer, which a policy with Trusted Types lets it do.
  const news = new URL(live.dataset.news, location.href).href;
  let asking = false;
  const ask = () => {
    if (document.hidden || asking) return;
    asking = true;
    const request = new XMLHttpRequest();
    request.open("GET", news);
    request.responseType = "document";
    request.setRequestHeader("If-None-Match", live.dataset.etag);
    request.setRequestHeader("X-Requested-With", "XMLHttpRequest");
    request.onload = () => {
      // Sent elsewhere, or refused: somebody was logged out, and the next click says so.
      if (request.responseURL !== news || request.status === 403) clearInterval(timer);
      else if (request.status === 200 && request.response) {
        live.dataset.etag = request.getResponseHeader("ETag") ?? "";
        show(request.response);
      }
    };
    // Without an answer the server is restarting, or the network is away: the next question may get through.
    request.onloadend = () => {
      asking = false;
    };
    request.send();
  };
  const timer = setInterval(ask, 1000 * Number(live.dataset.seconds || 10));
  document.addEventListener("visibilitychange", ask);
})();
