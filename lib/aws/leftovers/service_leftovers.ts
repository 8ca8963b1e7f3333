/** Load balancers, log groups and schedules: a sweep's part beside EC2. */
import {
  CloudWatchLogsClient,
  DeleteLogGroupCommand,
  DescribeLogGroupsCommand,
  ListTagsForResourceCommand,
} from "@aws-sdk/client-cloudwatch-logs"
import {
  DeleteLoadBalancerCommand as DeleteClassic,
  DescribeLoadBalancersCommand as DescribeClassic,
  ElasticLoadBalancingClient,
} from "@aws-sdk/client-elastic-load-balancing"
import {
  DeleteLoadBalancerCommand,
  DescribeLoadBalancersCommand,
  DescribeTagsCommand,
  ElasticLoadBalancingV2Client,
} from "@aws-sdk/client-elastic-load-balancing-v2"
import { DeleteScheduleCommand, ListSchedulesCommand, SchedulerClient } from "@aws-sdk/client-scheduler"
import { noMicroUsd } from "../../base/money.ts"
import { utcMsOf } from "../../base/time.ts"
import {
  classicLoadBalancerMicroUsdPerHour,
  loadBalancerMicroUsdPerHour,
} from "../../decisions/pricing/network_prices.ts"
import type { Leftover, LeftoverKind } from "../../decisions/sweep/leftover.ts"
import { tagRecord } from "../ec2/tags.ts"
import type { Outcome } from "../outcome.ts"
import { type AwsSettings, clientOptions, outcomeOf, sender } from "../protocol/connection.ts"
import { collectPages, paginate, required } from "../protocol/pages.ts"
import type { LeftoverListing } from "./interfaces.ts"

/** The tags of as many load balancers as one question may name. */
const tagsAtOnce = 20
const arnPrefix = /^arn:/

export function serviceLeftovers(settings: AwsSettings): {
  listings: LeftoverListing[]
  removals: Partial<Record<LeftoverKind, (id: string) => Promise<Outcome>>>
} {
  const { region } = settings
  const options = clientOptions(settings)
  const elb = sender("Elastic Load Balancing", settings, new ElasticLoadBalancingV2Client(options))
  const classic = sender("Elastic Load Balancing", settings, new ElasticLoadBalancingClient(options))
  const logs = sender("CloudWatch Logs", settings, new CloudWatchLogsClient(options))
  const scheduler = sender("EventBridge Scheduler", settings, new SchedulerClient(options))
  const dated = (date: Date | undefined) => (date ? utcMsOf(date.getTime()) : null)

  async function loadBalancers(): Promise<Leftover[]> {
    const action = "describe load balancers"
    const all = await collectPages(
      action,
      (Marker) => elb(action, new DescribeLoadBalancersCommand({ Marker })),
      (page) => page.NextMarker,
      (page) => page.LoadBalancers ?? [],
    )
    const tags = new Map<string, Record<string, string>>()
    const arns = all.map(({ LoadBalancerArn }) => required(action, LoadBalancerArn))
    for (let at = 0; at < arns.length; at += tagsAtOnce) {
      const reply = await elb(
        action,
        new DescribeTagsCommand({ ResourceArns: arns.slice(at, at + tagsAtOnce) }),
      )
      for (const { ResourceArn = "", Tags } of reply.TagDescriptions ?? [])
        tags.set(ResourceArn, tagRecord(Tags))
    }
    return all.map((found) => ({
      ...{
        kind: "load balancer",
        region,
        id: found.LoadBalancerArn ?? "",
        name: found.LoadBalancerName ?? "",
      },
      ...{
        createdAtUtcMs: dated(found.CreatedTime),
        usedBy: "",
        tags: tags.get(found.LoadBalancerArn ?? "") ?? {},
      },
      microUsdPerHour: loadBalancerMicroUsdPerHour,
    }))
  }

  async function classicLoadBalancers(): Promise<Leftover[]> {
    const action = "describe classic load balancers"
    const all = await collectPages(
      action,
      (Marker) => classic(action, new DescribeClassic({ Marker })),
      (page) => page.NextMarker,
      (page) => page.LoadBalancerDescriptions ?? [],
    )
    return all.map((found) => ({
      ...{ kind: "load balancer", region, id: found.LoadBalancerName ?? "", name: "classic" },
      ...{
        createdAtUtcMs: dated(found.CreatedTime),
        usedBy: found.Instances?.[0]?.InstanceId ?? "",
        tags: {},
      },
      microUsdPerHour: classicLoadBalancerMicroUsdPerHour,
    }))
  }

  async function logGroups(): Promise<Leftover[]> {
    const action = "describe log groups"
    const all = await collectPages(
      action,
      (nextToken) => logs(action, new DescribeLogGroupsCommand({ nextToken })),
      (page) => page.nextToken,
      (page) => page.logGroups ?? [],
    )
    const found: Leftover[] = []
    for (const { logGroupName = "", arn = "", creationTime } of all) {
      const resourceArn = arn.replace(/:\*$/, "")
      const reply = await logs(action, new ListTagsForResourceCommand({ resourceArn }))
      found.push({
        ...{ kind: "log group", region, id: logGroupName, name: "", usedBy: "", tags: reply.tags ?? {} },
        ...{
          createdAtUtcMs: creationTime === undefined ? null : utcMsOf(creationTime),
          microUsdPerHour: null,
        },
      })
    }
    return found
  }

  async function schedules(): Promise<Leftover[]> {
    const action = "list schedules"
    const all = await paginate(
      action,
      (NextToken) => scheduler(action, new ListSchedulesCommand({ NextToken })),
      (page) => page.Schedules ?? [],
    )
    return all.map((found) => ({
      ...{
        kind: "schedule",
        region,
        id: `${found.GroupName ?? "default"}/${found.Name ?? ""}`,
        name: "",
        usedBy: "",
      },
      ...{ createdAtUtcMs: dated(found.CreationDate), tags: {}, microUsdPerHour: noMicroUsd },
    }))
  }

  return {
    listings: [
      { what: "load balancers", list: loadBalancers },
      { what: "classic load balancers", list: classicLoadBalancers },
      { what: "log groups", list: logGroups },
      { what: "schedules", list: schedules },
    ],
    removals: {
      "load balancer": async (id) =>
        outcomeOf(
          arnPrefix.test(id)
            ? await elb(`delete ${id}`, new DeleteLoadBalancerCommand({ LoadBalancerArn: id }))
            : await classic(`delete ${id}`, new DeleteClassic({ LoadBalancerName: id })),
        ),
      "log group": async (id) =>
        outcomeOf(await logs(`delete ${id}`, new DeleteLogGroupCommand({ logGroupName: id }))),
      schedule: async (id) => {
        const [GroupName, Name] = id.split("/")
        return outcomeOf(await scheduler(`delete ${id}`, new DeleteScheduleCommand({ GroupName, Name })))
      },
    },
  }
}
