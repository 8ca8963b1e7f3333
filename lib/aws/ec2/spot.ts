/** Spot requests, which AWS makes behind a launch with market options, and what spot has cost. */

import {
  type _InstanceType,
  CancelSpotInstanceRequestsCommand,
  DescribeSpotInstanceRequestsCommand,
  DescribeSpotPriceHistoryCommand,
  type SpotInstanceRequest,
} from "@aws-sdk/client-ec2"
import type { SpotRequest } from "../../base/instance.ts"
import { microUsd } from "../../base/money.ts"
import { utcMsOf } from "../../base/time.ts"
import type { Ec2 } from "../interfaces.ts"
import { outcomeOf } from "../protocol/connection.ts"
import { hasCode } from "../protocol/errors.ts"
import { paginate, required } from "../protocol/pages.ts"
import { isAskedFor } from "./answers.ts"
import { asksForNothing, type Ec2Connection, filters, pageSize } from "./connection.ts"
import { tagRecord } from "./tags.ts"

type Calls = Pick<Ec2, "spotRequests" | "cancelSpotRequest" | "spotPriceHistory">

export function spotCalls({ send }: Ec2Connection): Calls {
  return {
    async spotRequests({ ids, tags, states } = {}) {
      const action = "describe spot requests"
      const wanted = { "spot-instance-request-id": ids, state: states }
      if (asksForNothing(wanted)) return []
      const all = await paginate(
        action,
        (NextToken) =>
          send(
            action,
            new DescribeSpotInstanceRequestsCommand({
              Filters: filters(wanted, tags),
              MaxResults: pageSize,
              NextToken,
            }),
          ),
        (page) => page.SpotInstanceRequests,
      )
      return all
        .map((request) => toSpotRequest(action, request))
        .filter((request) => {
          const asked: Parameters<typeof isAskedFor>[0] = [
            [ids, request.id],
            [states, request.state],
          ]
          return isAskedFor(asked, tags, request.tags)
        })
    },

    async cancelSpotRequest(id) {
      try {
        const command = new CancelSpotInstanceRequestsCommand({ SpotInstanceRequestIds: [id] })
        return outcomeOf(await send(`cancel spot request ${id}`, command))
      } catch (error) {
        if (hasCode(error, "InvalidSpotInstanceRequestID.NotFound")) return { requestId: error.requestId }
        throw error
      }
    },

    async spotPriceHistory({ instanceTypes, zone, startUtcMs, endUtcMs }) {
      const action = "describe spot price history"
      if (instanceTypes.length === 0) return []
      const all = await paginate(
        action,
        (NextToken) =>
          send(
            action,
            new DescribeSpotPriceHistoryCommand({
              InstanceTypes: instanceTypes as _InstanceType[],
              ...(zone === undefined ? {} : { AvailabilityZone: zone }),
              StartTime: new Date(startUtcMs),
              EndTime: new Date(endUtcMs),
              MaxResults: pageSize,
              NextToken,
            }),
          ),
        (page) => page.SpotPriceHistory,
      )
      return all.map((price) => ({
        instanceType: required(action, price.InstanceType),
        zone: price.AvailabilityZone ?? "",
        product: price.ProductDescription ?? "",
        fromUtcMs: utcMsOf(required(action, price.Timestamp).getTime()),
        microUsdPerHour: microUsd(Number(required(action, price.SpotPrice))),
      }))
    },
  }
}

function toSpotRequest(action: string, request: SpotInstanceRequest): SpotRequest {
  return {
    id: required(action, request.SpotInstanceRequestId),
    state: required(action, request.State) as SpotRequest["state"],
    instanceType: request.LaunchSpecification?.InstanceType ?? "",
    instanceId: request.InstanceId ?? "",
    keyName: request.LaunchSpecification?.KeyName ?? "",
    createdAtUtcMs: utcMsOf(required(action, request.CreateTime).getTime()),
    maxMicroUsdPerHour: request.SpotPrice === undefined ? null : microUsd(Number(request.SpotPrice)),
    tags: tagRecord(request.Tags),
  }
}
