import type { paths as auth } from "./generated/auth";
import type { paths as orders } from "./generated/orders";
import type { paths as payments } from "./generated/payments";
import type { paths as tickets } from "./generated/tickets";

type Paths = auth & tickets & orders & payments;

export type Method = "get" | "post" | "put" | "delete";
export type Path<M extends Method> = {
  [P in keyof Paths]: Paths[P] extends Record<M, { responses: unknown }> ? P : never;
}[keyof Paths];
export type Operation<M extends Method, P extends Path<M>> = M extends keyof Paths[P]
  ? Paths[P][M]
  : never;

type Json<Holder> = Holder extends { content: { "application/json": infer Body } }
  ? Body
  : undefined;

/** A success: told apart by its status where a route has several. */
export type Success<Op> = Op extends { responses: infer All }
  ? {
      [S in keyof All & (200 | 201 | 202 | 204)]: {
        ok: true;
        status: S;
        headers: Headers;
        data: Json<All[S]>;
      };
    }[keyof All & (200 | 201 | 202 | 204)]
  : never;

type Parameter<Op, In extends "path" | "query"> = Op extends { parameters: infer All }
  ? In extends keyof All
    ? Exclude<All[In], undefined>
    : never
  : never;
type Body<Op> = Op extends { requestBody?: infer Holder }
  ? Json<Exclude<Holder, undefined>>
  : never;

/** What a route is given: the parts of its path, its query, its body. */
export type Given<Op> = {
  path?: Parameter<Op, "path">;
  query?: Parameter<Op, "query">;
  body?: Body<Op>;
};
