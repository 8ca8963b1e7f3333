/** EventBridge Scheduler: moto keeps the schedules; here the one-time ones go off, at the emulated time. */
import { type UtcMs, utcMsOf } from "../../lib/base/time.ts"
import { changesIn } from "./instance_view.ts"
import { stopInstances, terminateInstances } from "./instances.ts"
import { AwsFault, type AwsRequest, Form, type Reply } from "./request.ts"
import type { World } from "./world.ts"

export interface Schedule {
  name: string
  region: string
  atUtcMs: UtcMs
  target: { Arn: string; Input?: string }
  deleteAfterwards: boolean
  enabled: boolean
}

/** What universal targets may be asked here: arn:aws:scheduler:::aws-sdk:SERVICE:ACTION. */
const targets: Record<string, (world: World, request: AwsRequest) => Promise<Reply>> = {
  "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances": terminateInstances,
  "arn:aws:scheduler:::aws-sdk:ec2:stopInstances": stopInstances,
}

export async function schedules(world: World, request: AwsRequest): Promise<Reply> {
  const reply = await world.moto.forward(request)
  const name = decodeURIComponent(/^\/schedules\/([^/?]+)/.exec(request.path)?.[1] ?? "")
  if (reply.status >= 300 || name === "") return reply
  const key = `${request.region} ${name}`
  if (request.method === "DELETE") world.schedules.delete(key)
  if (request.method === "POST" || request.method === "PUT") remember(world, key, name, request)
  return reply
}

function remember(world: World, key: string, name: string, request: AwsRequest): void {
  const asked = request.json as {
    ScheduleExpression?: string
    ScheduleExpressionTimezone?: string
    Target?: Schedule["target"]
    ActionAfterCompletion?: string
    State?: string
  }
  const [, at] = /^at\((.+)\)$/.exec(asked.ScheduleExpression ?? "") ?? []
  const timezone = asked.ScheduleExpressionTimezone ?? "UTC"
  if (at === undefined || timezone !== "UTC" || !asked.Target) return
  const schedule: Schedule = {
    name,
    region: request.region,
    atUtcMs: utcMsOf(Date.parse(`${at}Z`)),
    target: asked.Target,
    deleteAfterwards: asked.ActionAfterCompletion === "DELETE",
    enabled: asked.State !== "DISABLED",
  }
  world.schedules.set(key, schedule)
  world.clock.at(schedule.atUtcMs, () => goOff(world, key, schedule, request))
}

async function goOff(world: World, key: string, schedule: Schedule, made: AwsRequest): Promise<void> {
  const act = targets[schedule.target.Arn]
  // Changed or deleted since, or not ours to play.
  if (world.schedules.get(key) !== schedule || !schedule.enabled || !act) return
  const { InstanceIds = [] } = JSON.parse(schedule.target.Input ?? "{}") as { InstanceIds?: string[] }
  const action = schedule.target.Arn.endsWith("stopInstances") ? "StopInstances" : "TerminateInstances"
  const fields: [string, string][] = [
    ["Action", action],
    ["Version", "2016-11-15"],
    ...InstanceIds.map((id, index): [string, string] => [`InstanceId.${index + 1}`, id]),
  ]
  const headers = {
    "content-type": "application/x-www-form-urlencoded",
    authorization: `AWS4-HMAC-SHA256 Credential=scheduler/20260101/${schedule.region}/ec2/aws4_request, SignedHeaders=host, Signature=0`,
  }
  const form = new Form(fields)
  const request = {
    ...made,
    method: "POST",
    path: "/",
    headers,
    body: form.toString(),
    service: "ec2",
    action,
    form,
  }
  // as AWS: retried for a day, then dropped
  const answer = await act(world, request).catch((error: unknown) => error)
  world.trail.add({
    name: action,
    source: "ec2.amazonaws.com",
    user: "scheduler.amazonaws.com",
    accessKeyId: "",
    region: schedule.region,
    resources: InstanceIds.map((name) => ({ type: "AWS::EC2::Instance", name })),
    detail:
      answer instanceof Error
        ? { errorCode: answer instanceof AwsFault ? answer.code : "InternalError" }
        : { responseElements: { instancesSet: { items: changesIn((answer as Reply).body) } } },
  })
  world.schedules.delete(key)
  if (schedule.deleteAfterwards) {
    await world.moto.forward({ ...made, method: "DELETE", path: made.path.split("?")[0] ?? "", body: "" })
  }
}
