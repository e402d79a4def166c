import type { ReactNode } from "react";

/** Text of a user. Right-to-left text inside leaves the order of the text around it as it is. */
export function UserText({ children }: { children: ReactNode }) {
  return <bdi>{children}</bdi>;
}
