import t from "tap";
import { type AppArmor, NO_APPARMOR } from "../../../src/linux/apparmor.ts";
import { appArmorProfile, refuseMissingProfile } from "../../../src/sandbox/apparmor.ts";
import * as fixtures from "./fixtures.ts";

const MACHINE: AppArmor = {
  enabled: true,
  defaultProfile: "podrun-default-1",
  lack: "",
  isLoaded: (name) => name === "mine",
};
const { security } = fixtures;

t.test("a container runs under the default profile unless it says otherwise or is privileged", async (t) => {
  t.equal(appArmorProfile(security, MACHINE), "podrun-default-1");
  t.equal(appArmorProfile({ ...security, privileged: true }, MACHINE), undefined);
  t.equal(appArmorProfile({ ...security, appArmor: { type: "Unconfined" } }, MACHINE), undefined);
  t.equal(appArmorProfile({ ...security, appArmor: { type: "Localhost", profile: "mine" } }, MACHINE), "mine");
  t.equal(
    appArmorProfile({ ...security, privileged: true, appArmor: { type: "RuntimeDefault" } }, MACHINE),
    "podrun-default-1",
  );
  t.equal(appArmorProfile(security, NO_APPARMOR), undefined);
});

t.test("a profile that is asked for and can't be had is refused with the reason", async (t) => {
  const refuse = (appArmor: NonNullable<typeof security.appArmor>, machine: AppArmor) => () =>
    refuseMissingProfile(fixtures.container({ security: { ...security, appArmor } }), machine);
  const message = (text: RegExp) => ({ code: "InvalidObject", message: text });
  t.throws(
    refuse({ type: "RuntimeDefault" }, NO_APPARMOR),
    message(/RuntimeDefault: the kernel of this machine has no AppArmor.*remove the field/),
  );
  t.throws(refuse({ type: "Localhost", profile: "mine" }, NO_APPARMOR), message(/has no AppArmor/));
  t.throws(
    refuse({ type: "Localhost", profile: "other" }, MACHINE),
    message(/the profile "other" is not loaded; load it with apparmor_parser/),
  );
  const unparsed = { ...MACHINE, defaultProfile: undefined, lack: "apparmor_parser is missing" };
  t.throws(refuse({ type: "RuntimeDefault" }, unparsed), message(/apparmor_parser is missing/));
  t.doesNotThrow(refuse({ type: "Localhost", profile: "mine" }, MACHINE));
  t.doesNotThrow(refuse({ type: "Unconfined" }, NO_APPARMOR), "what asks for nothing is had everywhere");
});
