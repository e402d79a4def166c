"use client";

import { SomethingWentWrong } from "@/ui/something-went-wrong";

export default function PageError({ reset }: { error: Error; reset: () => void }) {
  return <SomethingWentWrong again={reset} />;
}
