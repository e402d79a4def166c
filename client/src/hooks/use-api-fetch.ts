"use client";

import { useState } from "react";
import type { ApiFetch } from "@/api/api-fetch";
import { createBrowserApiFetch } from "@/api/browser";

/** Return an `apiFetch` of this form or button: repeating a request without a response is safe. */
export function useApiFetch(): ApiFetch {
  return useState(createBrowserApiFetch)[0];
}
