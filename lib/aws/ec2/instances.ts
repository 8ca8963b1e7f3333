/** Listing, launching, ending, stopping and starting instances. */
import {
  DescribeInstanceAttributeCommand,
  DescribeInstancesCommand,
  GetConsoleOutputCommand,
  type InstanceStateChange,
  ModifyInstanceAttributeCommand,
  RunInstancesCommand,
  StartInstancesCommand,
  StopInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2"
import { messageOf } from "../../base/errors.ts"
import type { Instance, InstanceState } from "../../base/instance.ts"
import type { Ec2, InstanceFilter } from "../interfaces.ts"
import type { Outcome } from "../outcome.ts"
import { outcomeOf } from "../protocol/connection.ts"
import { awsError, hasCode } from "../protocol/errors.ts"
import { pages, required } from "../protocol/pages.ts"
import { isAskedFor } from "./answers.ts"
import { asksForNothing, type Ec2Connection, filterSize, filters, pageSize } from "./connection.ts"
import { toInstance, toState } from "./instance.ts"
import type { DescribeInstancesReply, InstanceElement, RunInstancesReply } from "./instance_replies.ts"
import { runInstancesInput } from "./launch.ts"

type Calls = Pick<
  Ec2,
  "instances" | "instancePages" | "launch" | "terminate" | "stop" | "start" | "protections" | "consoleOutput"
>

export function instanceCalls(ec2: Ec2Connection): Calls {
  const action = "describe instances"

  async function* instancePages(filter: InstanceFilter = {}): AsyncGenerator<Instance[]> {
    for (const asked of askable(filter)) {
      const replies = pages(
        action,
        async (NextToken) =>
          // Read by shape: query_protocol.ts.
          (await ec2.send(
            action,
            new DescribeInstancesCommand({ Filters: asked.filters, MaxResults: pageSize, NextToken }),
          )) as unknown as DescribeInstancesReply,
        (reply) => reply.nextToken,
      )
      for await (const reply of replies) {
        const elements = reply.reservationSet.flatMap(({ instancesSet }) => instancesSet)
        yield instancesOf(action, elements, ec2.region).filter(asked.keep)
        // 3 MB of page and its instances have gone by. Left to itself the heap grows to twice its size before that is noticed.
        if (reply.nextToken) Bun.gc(true)
      }
    }
  }

  async function stateChange(
    action: string,
    changing: Promise<Outcome & { changes: InstanceStateChange[] | undefined }>,
    id: string,
  ): Promise<Outcome & { state: InstanceState; wasOn: boolean }> {
    const { requestId, changes } = await changing
    const change = required(action, changes).find(({ InstanceId }) => InstanceId === id)
    const { CurrentState, PreviousState } = required(action, change)
    const before = PreviousState?.Name
    return {
      requestId,
      state: toState(CurrentState?.Name, id),
      wasOn: before === "running" || before === "pending",
    }
  }

  async function terminateOnce(action: string, id: string) {
    const reply = await ec2.send(action, new TerminateInstancesCommand({ InstanceIds: [id] }))
    return { ...outcomeOf(reply), changes: reply.TerminatingInstances }
  }

  async function stopOnce(action: string, id: string, hibernate: boolean) {
    const reply = await ec2.send(
      action,
      new StopInstancesCommand({ InstanceIds: [id], ...(hibernate ? { Hibernate: true } : {}) }),
    )
    return { ...outcomeOf(reply), changes: reply.StoppingInstances }
  }

  /**
   * Protection is cleared only where it stands in the way: no second request for every instance. EC2's message names the
   * attribute, and one protection may stand behind the other: stop protection also refuses a termination.
   */
  async function clearing<T>(
    id: string,
    clearProtection: boolean | undefined,
    usual: Protection,
    act: () => Promise<T>,
  ): Promise<T> {
    const cleared = new Set<Protection>()
    for (;;) {
      try {
        return await act()
      } catch (error) {
        if (!clearProtection || !hasCode(error, "OperationNotPermitted")) throw error
        const attribute = protectionNamedIn(error) ?? usual
        if (cleared.has(attribute)) throw error
        cleared.add(attribute)
        await ec2.send(
          `clear protection of ${id}`,
          new ModifyInstanceAttributeCommand({ InstanceId: id, [attribute]: { Value: false } }),
        )
      }
    }
  }

  return {
    instancePages,

    async instances(filter) {
      const all: Instance[] = []
      for await (const page of instancePages(filter)) all.push(...page)
      return all
    },

    async launch(request, { dryRun = false } = {}) {
      const action = dryRun ? "try a launch" : "launch"
      try {
        const reply = await ec2.send(action, new RunInstancesCommand(runInstancesInput(request, dryRun)))
        const { instancesSet } = reply as unknown as RunInstancesReply
        return { ...outcomeOf(reply), instances: instancesOf(action, instancesSet, ec2.region) }
      } catch (error) {
        // How EC2 says yes to a dry run.
        if (dryRun && hasCode(error, "DryRunOperation")) return { requestId: error.requestId, instances: [] }
        throw error
      }
    },

    async terminate(id, { clearProtection } = {}) {
      const action = `terminate ${id}`
      return stateChange(
        action,
        clearing(id, clearProtection, "DisableApiTermination", () => terminateOnce(action, id)),
        id,
      )
    },

    async stop(id, { clearProtection, hibernate = false } = {}) {
      const action = `stop ${id}`
      return stateChange(
        action,
        clearing(id, clearProtection, "DisableApiStop", () => stopOnce(action, id, hibernate)),
        id,
      )
    },

    async start(id) {
      const action = `start ${id}`
      const reply = await ec2.send(action, new StartInstancesCommand({ InstanceIds: [id] }))
      return stateChange(
        action,
        Promise.resolve({ ...outcomeOf(reply), changes: reply.StartingInstances }),
        id,
      )
    },

    async protections(id) {
      const action = `look up the protection of ${id}`
      const ask = (Attribute: "disableApiStop" | "disableApiTermination") =>
        ec2.send(action, new DescribeInstanceAttributeCommand({ InstanceId: id, Attribute }))
      try {
        const [stop, termination] = [await ask("disableApiStop"), await ask("disableApiTermination")]
        return [
          ...(stop.DisableApiStop?.Value ? (["stop"] as const) : []),
          ...(termination.DisableApiTermination?.Value ? (["termination"] as const) : []),
        ]
      } catch (error) {
        if (hasCode(error, "InvalidInstanceID.NotFound")) return []
        throw error
      }
    },

    async consoleOutput(id) {
      const reply = await ec2.send(`console output of ${id}`, new GetConsoleOutputCommand({ InstanceId: id }))
      return Buffer.from(reply.Output ?? "", "base64").toString("utf8")
    },
  }
}

/** The attributes with which EC2 refuses to end an instance. */
type Protection = "DisableApiTermination" | "DisableApiStop"

/** "Modify its 'disableApiStop' instance attribute and try again." */
function protectionNamedIn(error: unknown): Protection | null {
  const [, name] = /'(disableApi(?:Termination|Stop))'/i.exec(messageOf(error)) ?? []
  if (name === undefined) return null
  return name.toLowerCase() === "disableapistop" ? "DisableApiStop" : "DisableApiTermination"
}

/** Converts what was read; an instance that cannot be one makes the whole reply unusable. */
function instancesOf(action: string, elements: InstanceElement[], region: string): Instance[] {
  try {
    return elements.map((element) => toInstance(element, region))
  } catch (error) {
    throw awsError(action, "EC2", region, error)
  }
}

/**
 * The requests that a filter takes: EC2 allows 200 values. Ids go as a filter and not as ids, which would make one that
 * is gone fail them all. Tokens are compared here where tags narrow the listing already: emulators lack that filter.
 */
function askable(filter: InstanceFilter): {
  filters: ReturnType<typeof filters>
  keep: (instance: Instance) => boolean
}[] {
  const { ids, tags, states, clientTokens, keyNames } = filter
  const tokensHere = clientTokens !== undefined && tags !== undefined
  const wanted = {
    "instance-state-name": states,
    "key-name": keyNames,
    "client-token": tokensHere ? undefined : clientTokens,
  }
  if (asksForNothing({ ...wanted, ids, clientTokens })) return []
  const tokens = new Set(clientTokens)
  const idsAsked = ids && new Set(ids)
  const keep = (instance: Instance) =>
    (!tokensHere || tokens.has(instance.clientToken)) &&
    (!idsAsked || idsAsked.has(instance.id)) &&
    isAskedFor(
      [
        [states, instance.state],
        [keyNames, instance.keyName],
      ],
      tags,
      instance.tags,
    )
  return chunks(ids).map((some) => ({ filters: filters({ "instance-id": some, ...wanted }, tags), keep }))
}

function chunks(ids: string[] | undefined): (string[] | undefined)[] {
  if (!ids) return [undefined]
  const distinct = [...new Set(ids)]
  return Array.from({ length: Math.ceil(distinct.length / filterSize) }, (_, index) =>
    distinct.slice(index * filterSize, (index + 1) * filterSize),
  )
}
