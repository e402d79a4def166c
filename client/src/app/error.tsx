"use client";

import { useRouter } from "next/navigation";
import { startTransition } from "react";
import { SomethingWentWrong } from "@/ui/something-went-wrong";

export default function PageError({ reset }: { error: Error; reset: () => void }) {
  const router = useRouter();
  // By itself `reset` renders once more what the server sent: the same error.
  const again = () =>
    startTransition(() => {
      router.refresh();
      reset();
    });
  return <SomethingWentWrong again={again} />;
}
