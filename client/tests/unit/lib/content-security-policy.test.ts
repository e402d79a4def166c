import { expect, test } from "vitest";
import { contentSecurityPolicy } from "@/lib/content-security-policy";

test("contentSecurityPolicy allows this site's resources only, and no frames", () => {
  const policy = contentSecurityPolicy("N");
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|https?:/);
});

test("contentSecurityPolicy allows Stripe's hosts if Stripe is enabled", () => {
  const policy = contentSecurityPolicy("N", { stripe: true });
  expect(policy).toMatch(/script-src [^;]*https:\/\/js\.stripe\.com/);
  expect(policy).toMatch(/connect-src [^;]*https:\/\/api\.stripe\.com/);
});
