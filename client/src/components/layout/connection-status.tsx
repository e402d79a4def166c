"use client";

import { useRouter } from "next/navigation";
import { useEffect, useState } from "react";

/** Show a notice while the browser is offline, and refresh the page when it is online again. */
export function ConnectionStatus() {
  const router = useRouter();
  const [isOffline, setIsOffline] = useState(false);
  useEffect(() => {
    const onOffline = () => setIsOffline(true);
    const onOnline = () => {
      setIsOffline(false);
      router.refresh();
    };
    if (!navigator.onLine) onOffline();
    window.addEventListener("offline", onOffline);
    window.addEventListener("online", onOnline);
    return () => {
      window.removeEventListener("offline", onOffline);
      window.removeEventListener("online", onOnline);
    };
  }, [router]);
  return (
    <div role="status">
      {isOffline && (
        <div className="offline-notice alert alert-warning py-2 mb-0">
          You are offline. This page may be out of date.
        </div>
      )}
    </div>
  );
}
