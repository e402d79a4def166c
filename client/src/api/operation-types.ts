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

type JsonContent<T> = T extends { content: { "application/json": infer Json } } ? Json : undefined;

type SuccessStatus = 200 | 201 | 202 | 204;

/** A success. If a route has several, `status` tells them apart. */
export type Success<Op> = Op extends { responses: infer Responses }
  ? {
      [S in keyof Responses & SuccessStatus]: {
        ok: true;
        status: S;
        headers: Headers;
        data: JsonContent<Responses[S]>;
      };
    }[keyof Responses & SuccessStatus]
  : never;

type Parameter<Op, In extends "path" | "query"> = Op extends { parameters: infer Parameters }
  ? In extends keyof Parameters
    ? Exclude<Parameters[In], undefined>
    : never
  : never;
type Body<Op> = Op extends { requestBody?: infer RequestBody }
  ? JsonContent<Exclude<RequestBody, undefined>>
  : never;

/** The parameters and the body of a request. */
export type RequestOptions<Op> = {
  path?: Parameter<Op, "path">;
  query?: Parameter<Op, "query">;
  body?: Body<Op>;
};
