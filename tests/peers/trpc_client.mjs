// The genuine @trpc/client against an API: node trpc_client.mjs URL EMAIL PASSWORD; prints what it saw as JSON.
import { createTRPCClient, httpBatchLink, httpBatchStreamLink, httpLink, TRPCClientError } from "@trpc/client";
import superjson from "superjson";

const [url, email, password] = process.argv.slice(2);
let token = "";
const headers = () => (token ? { authorization: `Bearer ${token}` } : {});
const plain = (link) => createTRPCClient({ links: [link({ url: `${url}/trpc`, headers })] });
const rich = (link) =>
  createTRPCClient({ links: [link({ url: `${url}/trpc-superjson`, headers, transformer: superjson })] });

const seen = {};
const me = await plain(httpLink).auth.signIn.mutate({ email, password });
token = me.token;
seen.signedIn = me.userId;

for (const [name, client] of Object.entries({
  http: plain(httpLink),
  batch: plain(httpBatchLink),
  stream: plain(httpBatchStreamLink),
  richHttp: rich(httpLink),
  richBatch: rich(httpBatchLink),
  richStream: rich(httpBatchStreamLink),
})) {
  const [who, todos, missing, written] = await Promise.allSettled([
    client.auth.me.query(),
    client.todo.list.query({ limit: 2 }),
    client.todo.byId.query({ id: 2147483000 }),
    client.counter.hit.mutate(),
  ]);
  const error = missing.reason;
  const created = todos.value?.[0]?.createdAt;
  seen[name] = {
    me: who.value?.id,
    teams: [...new Set(todos.value?.map((todo) => todo.teamId))],
    error: error instanceof TRPCClientError ? error.data?.code : String(error),
    hits: written.value?.hits,
    created: created instanceof Date ? `Date ${created.toISOString()}` : `string ${created}`,
    again: (await client.todo.list.query({ limit: 2 }))[0].createdAt instanceof Date,
  };
}
seen.void = (await rich(httpBatchLink).auth.signOut.mutate()) === undefined;
try {
  await plain(httpBatchLink).auth.me.query();
} catch (error) {
  seen.afterwards = error.data?.code;
}
console.log(JSON.stringify(seen));
