import type { Order, Payment, Ticket } from "@/api/models";

export const NOW = Date.parse("2030-01-01T12:00:00Z");

export const makeTicket = (fields: Partial<Ticket> = {}): Ticket => ({
  id: "a".repeat(24),
  title: "A concert",
  price: 25,
  userId: "b".repeat(24),
  orderId: null,
  reservedUntil: null,
  soldAt: null,
  version: 0,
  ...fields,
});

export const makeOrder = (fields: Partial<Order> = {}): Order => ({
  id: "c".repeat(24),
  status: "created",
  userId: "d".repeat(24),
  expiresAt: "2030-01-01T12:01:00Z",
  version: 0,
  ticket: { id: "a".repeat(24), title: "A concert", price: 25 },
  ...fields,
});

export const makePayment = (fields: Partial<Payment> = {}): Payment => ({
  id: "e".repeat(24),
  orderId: "c".repeat(24),
  stripeId: null,
  status: "started",
  price: 25,
  currency: "usd",
  payBy: "2030-01-01T12:03:00Z",
  message: null,
  reason: null,
  refundedAt: null,
  ...fields,
});
