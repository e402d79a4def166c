"use client";

import { useEffect } from "react";
import { apiFetch } from "@/api/browser";

const RENEWAL_MS = 60 * 60 * 1000;

/** Renew the session of a page that stays open. Loading a page renews it as well. */
export function SessionRenewal() {
  useEffect(() => {
    const timer = setInterval(() => apiFetch("get", "/api/users/currentuser"), RENEWAL_MS);
    return () => clearInterval(timer);
  }, []);
  return null;
}
