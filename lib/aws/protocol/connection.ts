/** How every client of the SDK is set up: everything explicit, so that it reads neither the environment nor ~/.aws nor IMDS. */
import { readFileSync } from "node:fs"
import type { Client } from "@smithy/core/client"
import type { Command, HttpHandlerOptions, MetadataBearer, MiddlewareStack } from "@smithy/types"
import { Failed, messageOf } from "../../base/errors.ts"
import type { Clock } from "../../base/time.ts"
import { version } from "../../base/version.ts"
import { awsError } from "./errors.ts"
import { FetchHandler, type HttpSettings } from "./http.ts"
import { BoundedRetries, defaultPatience, type Patience } from "./retries.ts"

/** What a connection to AWS needs to know. */
export interface AwsSettings {
  region: string
  /** An emulator, for all services; null: AWS's own, by https. */
  endpoint: string | null
  /** `default`: the SDK's provider chain, the only case in which it looks around for itself. */
  credentials: { accessKeyId: string; secretAccessKey: string } | "default"
  /** With `default`: which profile of ~/.aws; absent: the chain's choice. */
  profile?: string
  /** `http://HOST:PORT`, or null. */
  proxy: string | null
  /** A PEM file with the certificates to trust instead of the built-in ones, or null. */
  caFile: string | null
  clock: Clock
  /** See HttpSettings. */
  noteDate?: HttpSettings["noteDate"]
  /** Called for each request when it is signed, and before it is sent; what it throws is thrown instead. */
  beforeSending?: HttpSettings["beforeSending"]
  /** Told each request that changed something: what was asked (`CreateTags`), and AWS's id of it. */
  noteChange?: (asked: string, requestId: string) => void
  interrupt: AbortSignal
  patience?: Patience
}

/** Requests that only read. */
const reading = /^(Describe|Get|List|Lookup|Head|Simulate|Decode)/

const silent = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }

/** Options for the constructor of any client. `repeatable: false` is for calls that must not be sent twice (see retries.ts). */
export function clientOptions(settings: AwsSettings, { repeatable = true } = {}) {
  const patience = settings.patience ?? defaultPatience
  return {
    region: settings.region,
    ...(settings.endpoint === null ? {} : { endpoint: settings.endpoint }),
    ...(settings.credentials === "default" ? {} : { credentials: settings.credentials }),
    ...(settings.profile === undefined ? {} : { profile: settings.profile }),
    ignoreConfiguredEndpointUrls: true,
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
    authSchemePreference: [],
    defaultsMode: "standard" as const,
    retryMode: "standard",
    maxAttempts: patience.throttled.most,
    retryStrategy: new BoundedRetries(settings.clock, patience, repeatable),
    defaultUserAgentProvider: async () => [["ec2-wrappers", version] as [string, string]],
    userAgentAppId: async () => undefined,
    disableClockSkewCorrection: async () => false,
    logger: silent,
    requestHandler: new FetchHandler({
      proxy: settings.proxy,
      ca: caOf(settings),
      attemptMs: patience.attemptMs,
      noteDate: settings.noteDate ?? (() => undefined),
      beforeSending: settings.beforeSending ?? (() => undefined),
      now: () => settings.clock.now(),
      interrupt: settings.interrupt,
    }),
    streamCollector: async (stream: ReadableStream) =>
      new Uint8Array(await new Response(stream).arrayBuffer()),
  }
}

const caTexts = new Map<string, string>()

function caOf({ caFile }: AwsSettings): string | null {
  if (caFile === null) return null
  const known = caTexts.get(caFile)
  if (known !== undefined) return known
  try {
    const text = readFileSync(caFile, "utf8")
    caTexts.set(caFile, text)
    return text
  } catch (error) {
    throw new Failed("[aws] ca_file", messageOf(error), { cause: error })
  }
}

/** Sends a command; what goes wrong is an `AwsError` about `action` (`describe instances`). */
export type Send<ClientInput extends object, ClientOutput extends MetadataBearer, Config> = <
  Input extends ClientInput,
  Output extends ClientOutput,
>(
  action: string,
  command: Command<ClientInput, Input, ClientOutput, Output, Config>,
) => Promise<Output>

/** A sender for one client. Throws AwsError, or the interrupt's reason where the tool is being ended. */
export function sender<Input extends object, Output extends MetadataBearer, Config>(
  service: string,
  settings: AwsSettings,
  client: {
    send: Client<HttpHandlerOptions, Input, Output, never>["send"]
    middlewareStack: unknown
  },
): Send<Input, Output, Config> {
  tellChanges(settings, client.middlewareStack as MiddlewareStack<object, object>)
  return async (action, command) => {
    try {
      return (await client.send(command as never)) as never
    } catch (error) {
      if (settings.interrupt.aborted) throw settings.interrupt.reason
      throw awsError(action, service, settings.endpoint ?? settings.region, error)
    }
  }
}

function tellChanges({ noteChange }: AwsSettings, stack: MiddlewareStack<object, object>): void {
  if (!noteChange) return
  stack.add(
    (next, { commandName = "" }) =>
      async (given) => {
        const result = await next(given)
        const asked = commandName.replace(/Command$/, "")
        const { requestId = "" } = (result.output as MetadataBearer).$metadata
        if (requestId !== "" && !reading.test(asked)) noteChange(asked, requestId)
        return result
      },
    { step: "initialize", name: "tellChanges" },
  )
}

/** Two senders to one service: `sendOnce` never repeats a request, and opens its client at its first use. */
export function senders<Input extends object, Output extends MetadataBearer, Config>(
  open: (options: { repeatable: boolean }) => Send<Input, Output, Config>,
): { send: Send<Input, Output, Config>; sendOnce: Send<Input, Output, Config> } {
  let once: Send<Input, Output, Config> | undefined
  return {
    send: open({ repeatable: true }),
    sendOnce: (action, command) => {
      once ??= open({ repeatable: false })
      return once(action, command)
    },
  }
}

/** AWS's id of the request, for the audit log. */
export function outcomeOf(reply: MetadataBearer): { requestId: string } {
  return { requestId: reply.$metadata.requestId ?? "" }
}
