import type { Person, Trader } from "./people";

/** Everything that there is to see, and who has to have done what to see it. */
export type Scene = {
  name: string;
  signedIn: boolean;
  /** The way to it; it ends on the page. */
  open: (me: Person, other: Trader) => Promise<string>;
};

const at = (path: string) => async () => path;

export const SCENES: Scene[] = [
  { name: "on sale", signedIn: false, open: offers },
  { name: "on sale, one's own search", signedIn: true, open: at("/?q=nothing+is+called+so") },
  { name: "a ticket, for a visitor", signedIn: false, open: aTicket },
  { name: "a ticket, to buy", signedIn: true, open: aTicket },
  { name: "a ticket that somebody has", signedIn: true, open: aHeldTicket },
  { name: "a ticket of one's own", signedIn: true, open: (me) => ticketOf(me) },
  { name: "edit a ticket", signedIn: true, open: async (me) => `${await ticketOf(me)}/edit` },
  { name: "sell a ticket", signedIn: true, open: at("/tickets/new") },
  { name: "my tickets", signedIn: true, open: myTickets },
  { name: "my orders", signedIn: true, open: myOrders },
  { name: "no orders", signedIn: true, open: at("/orders") },
  { name: "an order, held", signedIn: true, open: anOrder },
  {
    name: "an order, confirming",
    signedIn: true,
    open: (me, other) => aPaidOrder(me, other, "threeDSecure2Required"),
  },
  { name: "an order, yours", signedIn: true, open: (me, other) => aPaidOrder(me, other, "visa") },
  { name: "an order, cancelled", signedIn: true, open: aCancelledOrder },
  { name: "sign in", signedIn: false, open: at("/signin?next=/orders") },
  { name: "sign up", signedIn: false, open: at("/signup") },
  { name: "forgot password", signedIn: false, open: at("/forgot-password") },
  {
    name: "reset password, old link",
    signedIn: false,
    open: at("/reset-password?token=long-gone"),
  },
  { name: "not found", signedIn: false, open: at("/nowhere") },
];

async function offers(_: Person, other: Trader): Promise<string> {
  await other.offer("Philharmonic: Mahler's Second, row 4", 86);
  await other.offer("Open-air cinema: Metropolis", 14);
  await other.offer(
    "Night train to the sea, couchette, with breakfast and a window that opens",
    129.5,
  );
  return "/";
}

async function ticketOf(person: Trader): Promise<string> {
  const { id } = await person.offer("Organ recital by candlelight", 12.5);
  return `/tickets/${id}`;
}

function aTicket(_: Person, other: Trader): Promise<string> {
  return ticketOf(other);
}

async function aHeldTicket(_: Person, other: Trader): Promise<string> {
  const ticket = await other.offer("Ice hockey derby", 38.4);
  const order = await other.order(ticket);
  await other.sees(`/api/tickets/${ticket.id}`, { orderId: order.id });
  return `/tickets/${ticket.id}`;
}

async function myTickets(me: Person): Promise<string> {
  await me.offer("Lighthouse tour with tea", 9.75);
  await me.order(await me.offer("Circus, front row", 52));
  return "/tickets/mine";
}

async function anOrder(me: Person, other: Trader): Promise<string> {
  const { id } = await me.order(await other.offer("La Traviata, box 3", 164));
  return `/orders/${id}`;
}

async function aPaidOrder(me: Person, other: Trader, card: string): Promise<string> {
  const { id } = await me.order(await other.offer("Velodrome, six-day night", 45));
  await me.post("/api/payments", { orderId: id, token: `pm_card_${card}` });
  const status = card === "visa" ? "complete" : "awaiting:payment";
  await me.sees(`/api/orders/${id}`, { status });
  return `/orders/${id}`;
}

async function aCancelledOrder(me: Person, other: Trader): Promise<string> {
  const order = await me.order(await other.offer("Museum night, all houses", 19.5));
  await me.request.delete(`/api/orders/${order.id}`);
  return `/orders/${order.id}`;
}

async function myOrders(me: Person, other: Trader): Promise<string> {
  await aPaidOrder(me, other, "visa");
  await aCancelledOrder(me, other);
  await anOrder(me, other);
  return "/orders";
}
