import type { components as auth } from "./generated/auth";
import type { components as orders } from "./generated/orders";
import type { components as payments } from "./generated/payments";
import type { components as tickets } from "./generated/tickets";

export type User = auth["schemas"]["UserResponse"];
export type Ticket = tickets["schemas"]["TicketResponse"];
export type Sort = tickets["schemas"]["Sort"];
export type Order = orders["schemas"]["OrderResponse"];
export type Payment = payments["schemas"]["PaymentResponse"];
