import { describe, expect, test } from "bun:test"
import { tagOf } from "../../../lib/base/instance.ts"
import { ownerOf, reservationIdOf } from "../../../lib/decisions/launches/owners.ts"

describe("the owner of an instance", () => {
  test.each<[what: string, tag: string | null, keyName: string, owner: string]>([
    ["the tag's", "cs61c-aa", "", "cs61c-aa"],
    ["the tag's, whatever the key is called", "cs61c-aa", "cs61c-bb-default", "cs61c-aa"],
    ["the key's without a tag", null, "cs61c-ab-default", "cs61c-ab"],
    ["the key's where the tag is no login", "../../etc", "cs61c-ab-default", "cs61c-ab"],
    ["the key's where the tag is empty", "", "cs61c-ab-default", "cs61c-ab"],
    ["a key's without a name after the login", null, "cs61c-ab", "cs61c-ab"],
    ["a key's with dashes in its name", null, "cs61c-ab-my-key", "cs61c-ab"],
    ["a course key's", null, "cs61c", "cs61c"],
    ["of another course, the first part", null, "ee16a-ab-default", "ee16a"],
    ["somebody's own key", null, "laptop", "laptop"],
    ["nobody's", null, "", ""],
  ])("is %s", (_, tag, keyName, owner) => {
    expect(ownerOf({ tags: tag === null ? {} : { [tagOf.owner]: tag }, keyName })).toBe(owner)
  })
})

describe("the reservation of an instance", () => {
  test.each<[what: string, tag: string, token: string, market: "on-demand" | "spot", id: string]>([
    ["that of tag and token", "r-1", "r-1", "on-demand", "r-1"],
    ["that of the tag, where EC2 shows no token", "r-1", "", "on-demand", "r-1"],
    ["none, where the tag was copied to another launch", "r-1", "console-7", "on-demand", ""],
    ["that of the tag, where the token is of a later attempt", "r-1", "r-1-12", "on-demand", "r-1"],
    ["none, where the token only begins alike", "r-1", "r-1-x", "on-demand", ""],
    ["none, where the token is of another's attempt", "r-1", "r-12-1", "on-demand", ""],
    ["that of the tag for spot, whatever token EC2 shows", "r-1", "sir-7", "spot", "r-1"],
    ["none without a tag", "", "r-1", "on-demand", ""],
    ["none without a tag on spot", "", "r-1", "spot", ""],
    ["none of what we did not launch", "", "", "on-demand", ""],
  ])("is %s", (_, tag, clientToken, market, id) => {
    const tags: Record<string, string> = tag === "" ? {} : { [tagOf.reservation]: tag }
    expect(reservationIdOf({ tags, clientToken, market })).toBe(id)
  })
})
