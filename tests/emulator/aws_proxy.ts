/**
 * The proxy in front of moto: adds the documented behaviour of AWS that moto lacks, each part in a file of its own, and lets
 * tests script faults, move the time, read the log of calls and the bill. What it does not know goes to moto untouched.
 */

import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { type UtcMs, utcMsOf } from "../../lib/base/time.ts"
import * as accountListings from "./account_listings.ts"
import { authorize } from "./authorize.ts"
import { lookupEvents } from "./cloudtrail.ts"
import { control, controlPrefix } from "./control.ts"
import { type Fault, Faults } from "./faults.ts"
import { federation, isFederation } from "./federation.ts"
import { checkGroupRoom, checkGroupUnused } from "./groups.ts"
import * as iam from "./iam.ts"
import * as attributes from "./instance_attributes.ts"
import { changesIn } from "./instance_view.ts"
import * as instances from "./instances.ts"
import { describeKeyPairs, makeKeyPair } from "./key_pairs.ts"
import { MotoClient } from "./moto_client.ts"
import { getProducts, serviceQuotas } from "./price_list.ts"
import { AwsFault, type AwsRequest, faultReply, type Reply, readRequest } from "./request.ts"
import * as roles from "./roles.ts"
import { runInstances } from "./run_instances.ts"
import { schedules } from "./scheduler.ts"
import { assumeRole, checkDate, getCallerIdentity } from "./sessions.ts"
import * as spot from "./spot.ts"
import * as volumes from "./volumes.ts"
import { World } from "./world.ts"

/** Answers, or lets moto answer. */
type Handler = (world: World, request: AwsRequest) => Promise<Reply | undefined> | Reply | undefined

const handlers: Record<string, Handler> = {
  "ec2 RunInstances": runInstances,
  "ec2 DescribeInstances": instances.describeInstances,
  "ec2 DescribeInstanceStatus": instances.describeInstanceStatus,
  "ec2 TerminateInstances": instances.terminateInstances,
  "ec2 StopInstances": instances.stopInstances,
  "ec2 StartInstances": instances.startInstances,
  "ec2 RebootInstances": instances.rebootInstances,
  "ec2 ModifyInstanceAttribute": attributes.modifyInstanceAttribute,
  "ec2 DescribeInstanceAttribute": attributes.describeInstanceAttribute,
  "ec2 DescribeInstanceCreditSpecifications": attributes.describeInstanceCreditSpecifications,
  "ec2 GetConsoleOutput": attributes.getConsoleOutput,
  "ec2 DescribeSpotInstanceRequests": spot.describeSpotInstanceRequests,
  "ec2 CancelSpotInstanceRequests": spot.cancelSpotInstanceRequests,
  "ec2 DescribeSpotPriceHistory": spot.describeSpotPriceHistory,
  "ec2 CreateTags": spot.tagSpotRequests,
  "ec2 DeleteTags": spot.tagSpotRequests,
  "ec2 CreateSecurityGroup": checkGroupRoom,
  "ec2 DeleteSecurityGroup": checkGroupUnused,
  "ec2 CreateKeyPair": makeKeyPair,
  "ec2 ImportKeyPair": makeKeyPair,
  "ec2 DescribeKeyPairs": describeKeyPairs,
  "ec2 CreateVolume": volumes.createVolume,
  "ec2 DeleteVolume": volumes.deleteVolume,
  "ec2 DescribeRegions": accountListings.describeRegions,
  "ec2 DescribeSnapshots": accountListings.describeSnapshots,
  "ec2 DescribeVolumes": volumes.describeVolumes,
  "ec2 AllocateAddress": volumes.allocateAddress,
  "ec2 ReleaseAddress": volumes.releaseAddress,
  "iam CreateUser": iam.checkUserName,
  "iam DeleteUser": iam.checkUserDeletable,
  "iam DeleteGroup": iam.checkGroupDeletable,
  "iam CreateLoginProfile": iam.checkPassword,
  "iam UpdateLoginProfile": iam.checkPassword,
  "iam ListUsers": iam.listUsers,
  "iam CreateAccessKey": iam.createAccessKey,
  "iam CreateRole": roles.rememberPrincipals,
  "iam UpdateAssumeRolePolicy": roles.rememberPrincipals,
  "iam GetRole": roles.getRole,
  "iam PutRolePolicy": roles.checkPolicyRoom,
  "iam PutGroupPolicy": roles.checkPolicyRoom,
  "iam PutUserPolicy": roles.checkPolicyRoom,
  "sts AssumeRole": assumeRole,
  "sts GetCallerIdentity": getCallerIdentity,
  "iam SimulatePrincipalPolicy": iam.simulatePrincipalPolicy,
  "cloudtrail LookupEvents": lookupEvents,
  "pricing GetProducts": getProducts,
  "servicequotas GetServiceQuota": serviceQuotas,
  "servicequotas ListServiceQuotas": serviceQuotas,
}

/** One call as it arrived. */
export interface Call {
  service: string
  action: string
  region: string
  accessKeyId: string
  /** The form's fields, or the JSON's. */
  parameters: Record<string, unknown>
  atUtcMs: UtcMs
  /** Of the answer; 0 where the connection was dropped. */
  status: number
  fault: Fault["kind"] | null
}

export interface AwsProxy {
  endpoint: string
  world: World
  faults: Faults
  calls: Call[]
  /** Moves the emulated time; what falls due on the way happens. */
  advance(ms: number): Promise<void>
  reset(): void
  stop(): Promise<void>
}

/**
 * Starts the proxy on a loopback port, a free one by default. Requests are carried out one after the other, so that a run can be
 * repeated.
 */
export async function startAwsProxy(motoEndpoint: string, { port = 0 } = {}): Promise<AwsProxy> {
  const world = new World(new MotoClient(motoEndpoint))
  const faults = new Faults()
  const calls: Call[] = []
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work)
    turn = result.catch(() => undefined)
    return result
  }

  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    if (incoming.url?.startsWith(controlPrefix)) {
      const reply = await control(proxy, incoming.method ?? "GET", incoming.url, body)
      outgoing.writeHead(reply.status, { "content-type": "application/json" })
      outgoing.end(`${JSON.stringify(reply.body)}\n`)
      return
    }
    const headers = Object.fromEntries(
      Object.entries(incoming.headers).map(([name, value]) => [name, [value ?? ""].flat().join(", ")]),
    )
    const request = readRequest(incoming.method ?? "GET", incoming.url ?? "/", headers, body)
    const fault = faults.take(request)
    const call: Call = {
      ...{ service: request.service, action: request.action, region: request.region },
      accessKeyId: request.accessKeyId,
      parameters: request.form.fields.length > 0 ? Object.fromEntries(request.form.fields) : request.json,
      atUtcMs: utcMsOf(world.clock.now()),
      status: 0,
      fault: fault?.kind ?? null,
    }
    calls.push(call)
    await fault?.until
    await fault?.onArrival?.()
    if (fault?.kind === "delay") await Bun.sleep(fault.delayMs ?? 100)
    if (fault?.kind === "unfiltered") {
      request.form = request.form.without("Filter")
      request.body = request.form.toString()
    }
    const reply = insteadOf(request, fault) ?? (await inTurn(() => answer(world, request)))
    await fault?.onceDone?.()
    if (world.knobs.tellsItsTime) reply.headers.date = new Date(world.clock.now()).toUTCString()
    answerWith(outgoing, reply, fault, call)
  })
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(port, "127.0.0.1", resolve)
  })
  server.unref()
  const proxy: AwsProxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    world,
    faults,
    calls,
    advance: (ms) => inTurn(() => world.clock.advance(ms)),
    reset() {
      world.reset()
      faults.clear()
      calls.length = 0
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return proxy
}

async function answer(world: World, request: AwsRequest): Promise<Reply> {
  try {
    await world.clock.settle()
    const silent = ["ec2", "sts"].includes(request.service) && world.knobs.silentRegions[request.region]
    if (silent) return silentReply(request, silent)
    if (isFederation(request)) return federation(world, request)
    checkDate(world, request)
    await authorize(world, request)
    const handler =
      request.service === "scheduler" ? schedules : handlers[`${request.service} ${request.action}`]
    const reply = (await handler?.(world, request)) ?? (await world.moto.forward(request))
    if (reply.status < 300) noteEffects(world, request, reply)
    return reply
  } catch (error) {
    if (error instanceof AwsFault) return faultReply(request, error)
    return faultReply(request, new AwsFault("InternalError", `the emulator failed: ${error}`, 500))
  }
}

/** https://docs.aws.amazon.com/general/latest/gr/rande-manage.html: a region that is not enabled knows no key of the account. */
function silentReply(request: AwsRequest, why: "not enabled" | "denied" | "down"): Reply {
  if (why === "down") return { status: 0, headers: {}, body: "" }
  const fault =
    why === "denied"
      ? new AwsFault(
          "UnauthorizedOperation",
          `You are not authorized to perform this operation. User: arn:aws:iam::123456789012:user/course-key is not authorized to perform: ${request.service}:${request.action} with an explicit deny in a service control policy`,
          403,
        )
      : request.service === "sts"
        ? new AwsFault("InvalidClientTokenId", "The security token included in the request is invalid.", 403)
        : new AwsFault("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
  return faultReply(request, fault)
}

const reading = /^(Describe|Get|List|Lookup|Simulate|GET |HEAD )/

/** What a call that changes something leaves: instances to be read afresh, and an event in the trail. */
function noteEffects(world: World, request: AwsRequest, reply: Reply): void {
  if (reading.test(request.action)) return
  if (/Subnet|SecurityGroup|Image|Vpc/.test(request.action)) world.moto.forget()
  const ids = [...new Set(`${request.body} ${reply.body}`.match(/\bi-[0-9a-f]{17}\b/g) ?? [])]
  for (const id of ids) {
    const record = world.instances.get(id)
    if (record) record.stale = true
  }
  if (!["ec2", "iam", "sts"].includes(request.service)) return
  const session = world.sessions.get(request.accessKeyId)
  world.trail.add({
    name: request.action,
    source: `${request.service}.amazonaws.com`,
    user: session?.name ?? world.accessKeys.get(request.accessKeyId)?.user ?? "root",
    accessKeyId: request.accessKeyId,
    region: request.region,
    resources: ids.map((name) => ({ type: "AWS::EC2::Instance", name })),
    detail: {
      ...(session && {
        userIdentity: {
          type: "AssumedRole",
          arn: session.arn,
          sessionContext: { sourceIdentity: session.sourceIdentity },
        },
      }),
      requestID: reply.headers["x-amzn-requestid"],
      requestParameters: { hibernate: /[?&]?Hibernate=true/.test(request.body) },
      responseElements: { instancesSet: { items: changesIn(reply.body) } },
    },
  })
}

/** The answer of a fault that keeps the request from being carried out. */
function insteadOf(request: AwsRequest, fault: Fault | undefined): Reply | undefined {
  switch (fault?.kind) {
    case "drop-before":
      return { status: 0, headers: {}, body: "" }
    case "unavailable":
      return faultReply(
        request,
        new AwsFault("ServiceUnavailable", "The service is unavailable. Please try again shortly.", 503),
      )
    case "html-error":
      return {
        status: 502,
        headers: { "content-type": "text/html" },
        body: "<html><body><h1>502 Bad Gateway</h1></body></html>",
      }
    case "throttle":
      return request.service === "ec2"
        ? faultReply(request, new AwsFault("RequestLimitExceeded", "Request limit exceeded.", 503))
        : faultReply(request, new AwsFault("ThrottlingException", "Rate exceeded", 400))
    case "refuse":
      return faultReply(request, new AwsFault("OperationNotPermitted", "Not now.", 400))
    default:
      return undefined
  }
}

function answerWith(outgoing: ServerResponse, reply: Reply, fault: Fault | undefined, call: Call): void {
  if (reply.status === 0 || fault?.kind === "drop-after") {
    outgoing.socket?.destroy()
    return
  }
  call.status = reply.status
  const body = Buffer.from(fault?.kind === "garbage" ? "\u0000\u0001 no answer of AWS's <<<" : reply.body)
  outgoing.writeHead(reply.status, { ...reply.headers, "content-length": body.length })
  if (fault?.kind !== "half-answer") {
    outgoing.end(body)
    return
  }
  outgoing.write(body.subarray(0, body.length / 2), () => outgoing.socket?.destroy())
}
