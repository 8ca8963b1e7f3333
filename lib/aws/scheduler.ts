/** EventBridge Scheduler: ends an instance at its lease's end when this host is down. */
import {
  CreateScheduleCommand,
  type CreateScheduleCommandInput,
  DeleteScheduleCommand,
  SchedulerClient,
  UpdateScheduleCommand,
} from "@aws-sdk/client-scheduler"
import { isoUtc, type UtcMs } from "../base/time.ts"
import type { Scheduler } from "./interfaces.ts"
import { type AwsSettings, clientOptions, outcomeOf, sender } from "./protocol/connection.ts"
import { hasCode } from "./protocol/errors.ts"

export function openScheduler(settings: AwsSettings): Scheduler {
  const send = sender("EventBridge Scheduler", settings, new SchedulerClient(clientOptions(settings)))
  return {
    async putTermination(instanceId, atUtcMs, roleArn) {
      const action = `schedule the termination of ${instanceId}`
      const schedule = terminationOf(instanceId, atUtcMs, roleArn)
      try {
        return outcomeOf(await send(action, new CreateScheduleCommand(schedule)))
      } catch (error) {
        if (!hasCode(error, "ConflictException")) throw error
        return outcomeOf(await send(action, new UpdateScheduleCommand(schedule)))
      }
    },

    async removeTermination(instanceId) {
      const action = `remove the schedule of ${instanceId}`
      try {
        return outcomeOf(await send(action, new DeleteScheduleCommand({ Name: nameOf(instanceId) })))
      } catch (error) {
        if (hasCode(error, "ResourceNotFoundException")) return { requestId: error.requestId }
        throw error
      }
    },
  }
}

const nameOf = (instanceId: string) => `ec2-wrappers-terminate-${instanceId}`

/** https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html */
function terminationOf(instanceId: string, atUtcMs: UtcMs, roleArn: string): CreateScheduleCommandInput {
  const partition = roleArn.split(":")[1] || "aws"
  return {
    Name: nameOf(instanceId),
    Description: "ec2-wrappers: the end of this instance's lease",
    ScheduleExpression: `at(${isoUtc(atUtcMs).slice(0, 19)})`,
    ScheduleExpressionTimezone: "UTC",
    FlexibleTimeWindow: { Mode: "OFF" },
    ActionAfterCompletion: "DELETE",
    Target: {
      Arn: `arn:${partition}:scheduler:::aws-sdk:ec2:terminateInstances`,
      RoleArn: roleArn,
      Input: JSON.stringify({ InstanceIds: [instanceId] }),
    },
  }
}
