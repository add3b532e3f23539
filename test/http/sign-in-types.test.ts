import { expectTypeOf, it } from "vitest";
import { z } from "zod";
import {
  createFetchHandler,
  createRequestHandler,
  createTokenServer,
  type Person,
  type SignInHook,
  type TokenService,
} from "../../src/index.ts";
import type { AskingClient } from "../../src/service/authorization/step.ts";
import type { AnyClaims } from "../../src/token/claims.ts";

const claims = z.object({ role: z.enum(["reader", "writer"]), level: z.coerce.number().default(1) });
type Schema = typeof claims;

type OptionOf<Make extends (...parameters: never[]) => unknown> = NonNullable<
  NonNullable<Parameters<Make>[1]>["signIn" & keyof NonNullable<Parameters<Make>[1]>]
>;

it("a sign-in hook returns persons with the claims of the schema, or a Response", () => {
  const server = createTokenServer<Schema>;
  const listener = createRequestHandler<Schema>;
  const fetchHandler = createFetchHandler<Schema>;
  type Result = Response | Person<{ role: "reader" | "writer"; level?: unknown }>;
  type Hook = SignInHook<Schema>;
  expectTypeOf<Awaited<ReturnType<Hook>>>().toEqualTypeOf<Result>();
  expectTypeOf<Hook>().toExtend<OptionOf<typeof server>>();
  expectTypeOf<Hook>().toExtend<OptionOf<typeof listener>>();
  expectTypeOf<Hook>().toExtend<OptionOf<typeof fetchHandler>>();
  type Wrong = () => { subject: string; claims: { role: "emperor" } };
  expectTypeOf<Wrong>().not.toExtend<OptionOf<typeof server>>();
  expectTypeOf<Wrong>().not.toExtend<OptionOf<typeof listener>>();
  expectTypeOf<Wrong>().not.toExtend<OptionOf<typeof fetchHandler>>();
  expectTypeOf<() => { subject: number }>().not.toExtend<OptionOf<typeof server>>();
  expectTypeOf<() => undefined>().not.toExtend<OptionOf<typeof server>>();
});

it("the claims schema of the service types the hook", () => {
  type User = { id: string; role: "reader" | "writer" };
  const use = (service: TokenService<Schema>, userOf: (request: Request) => Promise<User | undefined>) => {
    createFetchHandler(service, {
      async signIn(request, context) {
        expectTypeOf(request).toEqualTypeOf<Request>();
        expectTypeOf(context.url).toEqualTypeOf<string>();
        expectTypeOf(context.client).toEqualTypeOf<AskingClient>();
        expectTypeOf(context.maxAge).toExtend<number | undefined>();
        const user = await userOf(request);
        if (user === undefined) return new Response(null, { status: 303, headers: { location: "/login" } });
        return {
          subject: user.id,
          authTime: 1,
          claims: { role: user.role },
          scope: "orders:read",
          profile: { name: "Ada" },
        };
      },
    });
    const written: SignInHook<Schema> = () => ({ subject: "ada", claims: { role: "writer" } });
    createRequestHandler(service, { signIn: written });
    // @ts-expect-error: no such role
    createFetchHandler(service, { signIn: async () => ({ subject: "ada", claims: { role: "emperor" } }) });
    // @ts-expect-error: the claim is missing
    createRequestHandler(service, { signIn: () => ({ subject: "ada", claims: {} }) });
    // @ts-expect-error: a person has a subject
    createTokenServer(service, { signIn: () => ({ claims: { role: "reader" } }) });
  };
  expectTypeOf(use).toBeFunction();
});

it("without a schema, claims are any object", () => {
  type Result = Awaited<ReturnType<SignInHook<AnyClaims>>>;
  expectTypeOf<{ subject: string; claims: { anything: number } }>().toExtend<Result>();
  expectTypeOf<{ subject: string; claims: string }>().not.toExtend<Result>();
});
