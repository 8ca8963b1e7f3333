import { ListServiceQuotasCommand, ServiceQuotasClient } from "@aws-sdk/client-service-quotas"
import type { Quotas } from "./interfaces.ts"
import { type AwsSettings, clientOptions, sender } from "./protocol/connection.ts"
import { paginate, required } from "./protocol/pages.ts"

export function openQuotas(settings: AwsSettings): Quotas {
  const send = sender("Service Quotas", settings, new ServiceQuotasClient(clientOptions(settings)))
  return {
    async ec2Quotas() {
      const action = "list EC2's quotas"
      const all = await paginate(
        action,
        (NextToken) =>
          send(action, new ListServiceQuotasCommand({ ServiceCode: "ec2", MaxResults: 100, NextToken })),
        (page) => page.Quotas,
      )
      return all.map(({ QuotaCode, QuotaName, Value }) => ({
        code: required(action, QuotaCode),
        name: QuotaName ?? "",
        value: Value ?? 0,
      }))
    },
  }
}
