import { expect, test } from "vitest";
import { policy } from "@/policy";

test("a page may load our own things only, and be framed by nobody", () => {
  const said = policy("N");
  expect(said).toContain("default-src 'none'");
  expect(said).toContain("frame-ancestors 'none'");
  expect(said).not.toMatch(/unsafe|https?:/);
});

test("Stripe's hosts are allowed where Stripe is on", () => {
  expect(policy("N", { stripe: true })).toMatch(/script-src [^;]*https:\/\/js\.stripe\.com/);
  expect(policy("N", { stripe: true })).toMatch(/connect-src [^;]*https:\/\/api\.stripe\.com/);
});
