// The genuine @trpc/server: node trpc_server.mjs plain|superjson; prints its port, and ends with its input.
import { initTRPC, TRPCError } from "@trpc/server";
import { createHTTPServer } from "@trpc/server/adapters/standalone";
import superjson from "superjson";
import { z } from "zod";

const t = initTRPC.create(process.argv[2] === "superjson" ? { transformer: superjson } : {});
const served = { byId: 0, create: 0, fail: 0 };
const id = z.object({ id: z.number().int() });
const appRouter = t.router({
  item: t.router({
    byId: t.procedure.input(id).query(({ input }) => {
      served.byId += 1;
      if (input.id > 1000) throw new TRPCError({ code: "NOT_FOUND", message: `no item ${input.id}` });
      return { id: input.id, name: `item ${input.id} é`, at: new Date("2026-01-02T03:04:05.678Z") };
    }),
    create: t.procedure.input(z.object({ name: z.string().min(1), due: z.date().optional() })).mutation(({ input }) => {
      served.create += 1;
      return { id: served.create, name: input.name, due: input.due };
    }),
    nothing: t.procedure.mutation(() => undefined),
    fail: t.procedure.query(() => {
      served.fail += 1;
      throw new Error("broken");
    }),
    slow: t.procedure.input(z.number()).query(async ({ input }) => {
      await new Promise((done) => setTimeout(done, input));
      return "slow";
    }),
    served: t.procedure.query(() => served),
  }),
});
const server = createHTTPServer({ router: appRouter, onError: () => {} });
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
