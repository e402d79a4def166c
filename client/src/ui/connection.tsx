"use client";

import { useRouter } from "next/navigation";
import { useEffect, useState } from "react";

/** Says when the connection is lost, and catches up with the market when it is back. */
export function Connection() {
  const router = useRouter();
  const [lost, setLost] = useState(false);
  useEffect(() => {
    const away = () => setLost(true);
    const back = () => {
      setLost(false);
      router.refresh();
    };
    // A page that the browser had put aside shows what was true then, and to whom.
    const shown = (event: PageTransitionEvent) => event.persisted && window.location.reload();
    if (!navigator.onLine) away();
    window.addEventListener("offline", away);
    window.addEventListener("online", back);
    window.addEventListener("pageshow", shown);
    return () => {
      window.removeEventListener("offline", away);
      window.removeEventListener("online", back);
      window.removeEventListener("pageshow", shown);
    };
  }, [router]);
  return (
    <div role="status">
      {lost && (
        <div className="notice alert alert-warning py-2 mb-0">
          You are offline. What you see may be out of date.
        </div>
      )}
    </div>
  );
}
