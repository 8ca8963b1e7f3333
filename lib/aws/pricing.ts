/** AWS's list prices: https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/price-list-query-api.html */
import { GetProductsCommand, PricingClient } from "@aws-sdk/client-pricing"
import { microUsd } from "../base/money.ts"
import { type AwsSettings, asking, clientOptions } from "./connection.ts"
import { awsError } from "./errors.ts"
import { GarbledReply } from "./garbled_reply.ts"
import type { Pricing } from "./interfaces.ts"
import { pages, present } from "./pages.ts"

/** The API answers in three regions only, for all; this one is in every account. */
const pricingRegion = "us-east-1"
const action = "read the price list"

export function openPricing(settings: AwsSettings): Pricing {
  const there = { ...settings, region: pricingRegion }
  const ask = asking("The Price List API", there, new PricingClient(clientOptions(there)))
  return {
    async *onDemandPrices(region) {
      const replies = pages(
        action,
        (NextToken) =>
          ask(
            action,
            new GetProductsCommand({
              ServiceCode: "AmazonEC2",
              FormatVersion: "aws_v1",
              MaxResults: 100,
              NextToken,
              Filters: Object.entries({
                regionCode: region,
                preInstalledSw: "NA",
                tenancy: "Shared",
                capacitystatus: "Used",
              }).map(([Field, Value]) => ({ Type: "TERM_MATCH", Field, Value })),
            }),
          ),
        (page) => page.NextToken,
      )
      for await (const page of replies) {
        try {
          yield present(action, page.PriceList).flatMap((product: unknown) => priceOf(String(product)))
        } catch (error) {
          throw awsError(action, "The Price List API", pricingRegion, error)
        }
      }
    },
  }
}

/** The parts of a product that are read; the rest is not looked at. */
interface Product {
  product?: { attributes?: { instanceType?: string; operation?: string } }
  terms?: {
    OnDemand?: Record<
      string,
      { priceDimensions?: Record<string, { unit?: string; pricePerUnit?: { USD?: string } }> }
    >
  }
}

/** One product's hourly price; nothing for what is not an instance type sold by the hour in US dollars. */
function priceOf(text: string): { instanceType: string; usageOperation: string; microUsdPerHour: number }[] {
  const { product, terms } = JSON.parse(text) as Product
  const { instanceType, operation } = product?.attributes ?? {}
  const dimensions = Object.values(terms?.OnDemand ?? {}).flatMap(({ priceDimensions }) =>
    Object.values(priceDimensions ?? {}),
  )
  const hourly = dimensions.find(({ unit }) => unit === "Hrs")?.pricePerUnit?.USD
  if (!instanceType || !operation || hourly === undefined) return []
  const usd = Number(hourly)
  if (!Number.isFinite(usd) || usd < 0) throw new GarbledReply(`${instanceType} costs "${hourly}"`)
  // $0 stands for "billed elsewhere" (reservations, dedicated hosts), not for free.
  return usd === 0 ? [] : [{ instanceType, usageOperation: operation, microUsdPerHour: microUsd(usd) }]
}
