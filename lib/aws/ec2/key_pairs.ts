/** SSH key pairs, as EC2 holds them. */
import {
  CreateKeyPairCommand,
  DeleteKeyPairCommand,
  DescribeKeyPairsCommand,
  ImportKeyPairCommand,
  type KeyPairInfo,
} from "@aws-sdk/client-ec2"
import type { KeyPair } from "../../base/instance.ts"
import type { Ec2 } from "../interfaces.ts"
import { outcomeOf } from "../protocol/connection.ts"
import { hasCode } from "../protocol/errors.ts"
import { required } from "../protocol/pages.ts"
import { isAskedFor } from "./answers.ts"
import { asksForNothing, type Ec2Connection, filters } from "./connection.ts"
import { tagList, tagRecord } from "./tags.ts"

type Calls = Pick<Ec2, "keyPairs" | "createKeyPair" | "importKeyPair" | "deleteKeyPair">

export function keyPairCalls({ send, sendOnce }: Ec2Connection): Calls {
  return {
    async keyPairs({ names, tags } = {}) {
      const action = "describe key pairs"
      if (asksForNothing({ names })) return []
      // Has no pages: all 5,000 that a region may hold come at once.
      const command = new DescribeKeyPairsCommand({ Filters: filters({ "key-name": names }, tags) })
      const reply = await send(action, command)
      return required(action, reply.KeyPairs)
        .map((keyPair) => toKeyPair(action, keyPair))
        .filter((keyPair) => isAskedFor([[names, keyPair.name]], tags, keyPair.tags))
    },

    async createKeyPair(name, tags) {
      const action = `create key pair ${name}`
      const reply = await sendOnce(
        action,
        new CreateKeyPairCommand({ KeyName: name, KeyType: "ed25519", KeyFormat: "pem", ...tagged(tags) }),
      )
      return {
        ...outcomeOf(reply),
        keyPair: { ...toKeyPair(action, reply), type: "ed25519", tags },
        privateKey: required(action, reply.KeyMaterial),
      }
    },

    async importKeyPair(name, publicKey, tags) {
      const action = `import key pair ${name}`
      const reply = await sendOnce(
        action,
        new ImportKeyPairCommand({
          KeyName: name,
          PublicKeyMaterial: new TextEncoder().encode(publicKey),
          ...tagged(tags),
        }),
      )
      const type = publicKey.trim().startsWith("ssh-ed25519") ? "ed25519" : "rsa"
      return { ...outcomeOf(reply), keyPair: { ...toKeyPair(action, reply), type, tags } }
    },

    async deleteKeyPair(name) {
      try {
        return outcomeOf(await send(`delete key pair ${name}`, new DeleteKeyPairCommand({ KeyName: name })))
      } catch (error) {
        if (hasCode(error, "InvalidKeyPair.NotFound")) return { requestId: error.requestId }
        throw error
      }
    },
  }
}

function tagged(tags: Record<string, string>) {
  return Object.keys(tags).length === 0
    ? {}
    : { TagSpecifications: [{ ResourceType: "key-pair" as const, Tags: tagList(tags) }] }
}

function toKeyPair(action: string, keyPair: KeyPairInfo): KeyPair {
  return {
    id: keyPair.KeyPairId ?? "",
    name: required(action, keyPair.KeyName),
    fingerprint: keyPair.KeyFingerprint ?? "",
    type: keyPair.KeyType ?? "",
    tags: tagRecord(keyPair.Tags),
  }
}
