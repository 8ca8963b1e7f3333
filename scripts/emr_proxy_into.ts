import { defineTool, main } from "../lib/cli.ts"
import { runEmrProxy } from "../lib/operations/proxy/emr_proxy.ts"
import { emrProxyInto } from "../lib/terminal/declarations/emr_proxy_into.ts"

export const tool = defineTool({
  ...emrProxyInto,
  run: ({ user, ...args }, context, output) =>
    runEmrProxy({ ...args, user: user ?? context.emrUser }, context, output),
})

if (import.meta.main) await main(tool)
