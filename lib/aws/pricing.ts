/** AWS's list prices: https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/price-list-query-api.html */

import { GetProductsCommand, PricingClient } from "@aws-sdk/client-pricing"
import { microUsd } from "../base/money.ts"
import { utcMsOf } from "../base/time.ts"
import type { ListedPrice, Pricing } from "./interfaces.ts"
import { type AwsSettings, clientOptions, sender } from "./protocol/connection.ts"
import { awsError } from "./protocol/errors.ts"
import { GarbledReply } from "./protocol/garbled_reply.ts"
import { pages, required } from "./protocol/pages.ts"

/** The API answers in three regions only, for all; this one is in every account. */
const pricingRegion = "us-east-1"
const action = "read the price list"

export function openPricing(settings: AwsSettings): Pricing {
  const there = { ...settings, region: pricingRegion }
  const send = sender("The Price List API", there, new PricingClient(clientOptions(there)))
  /** The products of a region that match, page by page, as `read` takes them. */
  async function* products<T>(
    filters: Record<string, string>,
    read: (product: Product) => T[],
  ): AsyncGenerator<T[]> {
    const replies = pages(
      action,
      (NextToken) =>
        send(
          action,
          new GetProductsCommand({
            ServiceCode: "AmazonEC2",
            FormatVersion: "aws_v1",
            MaxResults: 100,
            NextToken,
            Filters: Object.entries(filters).map(([Field, Value]) => ({ Type: "TERM_MATCH", Field, Value })),
          }),
        ),
      (page) => page.NextToken,
    )
    for await (const page of replies) {
      try {
        yield required(action, page.PriceList).flatMap((text: unknown) => read(JSON.parse(String(text))))
      } catch (error) {
        throw awsError(action, "The Price List API", pricingRegion, error)
      }
    }
  }

  return {
    onDemandPrices(regionCode) {
      const wanted = { preInstalledSw: "NA", tenancy: "Shared", capacitystatus: "Used" }
      return products({ regionCode, ...wanted }, priceOf)
    },
    async *storagePrices(regionCode) {
      for (const productFamily of storageFamilies)
        yield* products({ regionCode, productFamily }, storagePriceOf)
    },
  }
}

const storageFamilies = ["Storage", "System Operation", "Provisioned Throughput", "Storage Snapshot"]

/** The parts of a product that are read; the rest is not looked at. */
interface Product {
  product?: {
    attributes?: { instanceType?: string; operation?: string; volumeApiName?: string; usagetype?: string }
  }
  terms?: {
    OnDemand?: Record<
      string,
      {
        effectiveDate?: string
        priceDimensions?: Record<
          string,
          { unit?: string; beginRange?: string; pricePerUnit?: { USD?: string } }
        >
      }
    >
  }
}

/** One product's hourly price; nothing for what is not an instance type sold by the hour in US dollars. */
function priceOf({ product, terms }: Product): ListedPrice[] {
  const { instanceType, operation } = product?.attributes ?? {}
  const offered = Object.values(terms?.OnDemand ?? {}).flatMap(({ effectiveDate, priceDimensions }) =>
    Object.values(priceDimensions ?? {}).map((dimension) => ({ effectiveDate, ...dimension })),
  )
  const hourly = offered.find(({ unit }) => unit === "Hrs")
  const listed = hourly?.pricePerUnit?.USD
  if (!instanceType || !operation || listed === undefined) return []
  const usd = Number(listed)
  if (!Number.isFinite(usd) || usd < 0) throw new GarbledReply(`${instanceType} costs "${listed}"`)
  // $0 stands for "billed elsewhere" (reservations, dedicated hosts), not for free.
  if (usd === 0) return []
  const effective = Date.parse(hourly?.effectiveDate ?? "")
  const effectiveUtcMs = Number.isNaN(effective) ? null : utcMsOf(effective)
  return [{ instanceType, usageOperation: operation, microUsdPerHour: microUsd(usd), effectiveUtcMs }]
}

/** A price by the month: of volumes by their API's name, of snapshots by their usage (`USW2-EBS:SnapshotUsage`). */
function storagePriceOf({ product, terms }: Product): { what: string; microUsdPerMonth: number }[] {
  const { volumeApiName, usagetype = "" } = product?.attributes ?? {}
  const what = volumeApiName ?? (/(^|-)EBS:SnapshotUsage$/.test(usagetype) ? "snapshot" : null)
  if (what === null) return []
  const dimensions = Object.values(terms?.OnDemand ?? {}).flatMap(({ priceDimensions }) =>
    Object.values(priceDimensions ?? {}),
  )
  // io2 is sold in tiers, the first the dearest.
  const first = dimensions.find(({ beginRange = "0" }) => Number(beginRange) === 0)
  const unit = /^(GB|IOPS|[GM]iBps)-mo$/i.exec(first?.unit ?? "")?.[1]
  const usd = Number(first?.pricePerUnit?.USD)
  if (unit === undefined || first?.pricePerUnit?.USD === undefined) return []
  if (!Number.isFinite(usd) || usd < 0) throw new GarbledReply(`${what} costs "${first.pricePerUnit.USD}"`)
  if (usd === 0) return []
  const isPerGib = unit.toLowerCase() === "gibps"
  return [
    {
      what: `${what} ${/ibps/i.test(unit) ? "MiBps" : unit.toUpperCase()}-Mo`,
      microUsdPerMonth: (usd * 1e6) / (isPerGib ? 1024 : 1),
    },
  ]
}
