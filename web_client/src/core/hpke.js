/** HPKE with X-Wing (docs/protocol.md §2). A room of its own: it is a fifth of all script, and nobody needs it before there is a key. */
import { Aes256Gcm, CipherSuite, HkdfSha256 } from "@hpke/core";
import { XWing } from "@hpke/hybridkem-x-wing";

export const kem = new XWing();
export const hpke = new CipherSuite({ kem, kdf: new HkdfSha256(), aead: new Aes256Gcm() });
