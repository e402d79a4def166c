"use client";

import { useEffect, useLayoutEffect } from "react";
import { apiFetch } from "@/api/browser";

/** auth renews the session with each check. */
const CHECK_INTERVAL_MS = 60 * 60 * 1000;

/** The user of this document, null for a visitor. Undefined until a part of it is shown. */
let documentUserId: string | null | undefined;
let channel: BroadcastChannel | undefined;

/** Announce the signed-in user to all other tabs, null for a visitor. */
export function announceSession(userId: string | null): void {
  documentUserId = userId;
  channel?.postMessage(userId);
}

/** Marks a part of the document as a user's, null for a visitor's: all parts must be the same's. */
export function SessionMark({ userId }: { userId: string | null }) {
  useLayoutEffect(() => requireUser(userId), [userId]);
  return null;
}

/** Loads the document again when another tab, or the server, has ended its session. */
export function SessionWatch() {
  useEffect(() => {
    let isChecking = false;
    const check = async () => {
      if (isChecking) return;
      isChecking = true;
      const session = await apiFetch("get", "/api/users/currentuser");
      isChecking = false;
      if (session.ok) requireUser(session.data.currentUser?.id ?? null);
    };
    const timer = setInterval(check, CHECK_INTERVAL_MS);
    channel = new BroadcastChannel("session");
    channel.onmessage = ({ data }: MessageEvent<string | null>) => requireUser(data);
    const onVisibilityChange = () => document.hidden || check();
    // The back-forward cache gets a blank page, because the browser shows it before any script runs.
    const onPageHide = ({ persisted }: PageTransitionEvent) => persisted && hideDocument();
    const onPageShow = ({ persisted }: PageTransitionEvent) => persisted && replaceDocument();
    window.addEventListener("focus", check);
    document.addEventListener("visibilitychange", onVisibilityChange);
    window.addEventListener("pagehide", onPageHide);
    window.addEventListener("pageshow", onPageShow);
    return () => {
      clearInterval(timer);
      channel?.close();
      window.removeEventListener("focus", check);
      document.removeEventListener("visibilitychange", onVisibilityChange);
      window.removeEventListener("pagehide", onPageHide);
      window.removeEventListener("pageshow", onPageShow);
    };
  }, []);
  return null;
}

function requireUser(userId: string | null): void {
  if (documentUserId === undefined) documentUserId = userId;
  if (userId !== documentUserId) replaceDocument();
}

function hideDocument(): void {
  document.documentElement.hidden = true;
}

function replaceDocument(): void {
  hideDocument();
  // `reload` would keep the input of the earlier user, in Firefox.
  window.location.replace(window.location.pathname + window.location.search);
}
