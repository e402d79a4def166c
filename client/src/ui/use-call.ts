"use client";

import { useState } from "react";
import { browserCaller } from "@/api/browser";
import type { Caller } from "@/api/call";

/** Calls the API for one form or button: to press it again after no answer came does nothing twice. */
export function useCall(): Caller {
  return useState(browserCaller)[0];
}
