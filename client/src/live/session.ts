"use client";

import { useEffect, useLayoutEffect } from "react";
import { apiFetch } from "@/api/browser";

/** The user of this document, null for a visitor. Undefined until a part of it is shown. */
let documentUserId: string | null | undefined;
let channel: BroadcastChannel | undefined;

/** Announce the signed-in user to all other tabs, null for a visitor. */
export function announceSession(userId: string | null): void {
  documentUserId = userId;
  channel?.postMessage(userId);
}

/** Mark a part of the document as a user's. The document is loaded again if they differ. */
export function useSessionOf(userId: string | null): void {
  useLayoutEffect(() => requireUser(userId), [userId]);
}

/** Load the document again when another tab, or the server, has ended its session. */
export function useSessionChanges(): void {
  useEffect(() => {
    let isChecking = false;
    const check = async () => {
      if (document.hidden || isChecking) return;
      isChecking = true;
      const session = await apiFetch("get", "/api/users/currentuser");
      isChecking = false;
      if (session.ok) requireUser(session.data.currentUser?.id ?? null);
    };
    channel = new BroadcastChannel("session");
    channel.onmessage = ({ data }: MessageEvent<string | null>) => requireUser(data);
    // The back-forward cache gets a blank page, because the browser shows it before any script runs.
    const onPageHide = ({ persisted }: PageTransitionEvent) => persisted && hideDocument();
    const onPageShow = ({ persisted }: PageTransitionEvent) => persisted && replaceDocument();
    window.addEventListener("focus", check);
    document.addEventListener("visibilitychange", check);
    window.addEventListener("pagehide", onPageHide);
    window.addEventListener("pageshow", onPageShow);
    return () => {
      channel?.close();
      window.removeEventListener("focus", check);
      document.removeEventListener("visibilitychange", check);
      window.removeEventListener("pagehide", onPageHide);
      window.removeEventListener("pageshow", onPageShow);
    };
  }, []);
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
