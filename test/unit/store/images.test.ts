import t from "tap";
import { testStore } from "./fixtures.ts";

const layer = (digest: string) => ({ digest, folder: digest.slice(0, 1), size: 10 });

t.test("an image is found by each of its references and by its id", async (t) => {
  const { store } = testStore(t);
  const image = { id: "i1", layers: ["x", "y"] };
  store.images.add(image, ["a", "b"], [layer("x"), layer("y")]);
  t.same(
    [store.images.find("a"), store.images.find("b"), store.images.get("i1"), store.images.find("c")],
    [image, image, image, undefined],
  );
  t.same(store.images.list(), [{ image, references: ["a", "b"], lastUsed: 0 }]);
});

t.test("a reference moves to the image that took it last", async (t) => {
  const { store } = testStore(t);
  store.images.add({ id: "i1", layers: [] }, ["a", "b"], []);
  store.images.add({ id: "i2", layers: [] }, ["a"], []);
  t.equal(store.images.find("a")?.id, "i2");
  t.equal(store.images.find("b")?.id, "i1");
});

t.test("removing an image frees the layers that no other image has", async (t) => {
  const { store } = testStore(t);
  store.images.add({ id: "i1", layers: ["x", "y"] }, ["a"], [layer("x"), layer("y")]);
  store.images.add({ id: "i2", layers: ["x", "z"] }, ["b"], [layer("x"), layer("z")]);
  t.same(store.images.remove("i1"), [layer("y")]);
  t.equal(store.images.find("a"), undefined);
  t.same(store.images.layers(), [layer("x"), layer("z")]);
});

t.test("an image with a layer that is recorded nowhere is not recorded at all", async (t) => {
  const { store } = testStore(t);
  t.throws(() => store.images.add({ id: "i1", layers: ["x"] }, ["a"], []));
  t.same(store.images.list(), []);
});

t.test("layers of an interrupted pull are recorded without an image, and an image takes them up", async (t) => {
  const { store } = testStore(t);
  store.images.addLayers([{ ...layer("x"), tarSize: 99 }, layer("y")]);
  t.same(store.images.orphans(), ["x", "y"]);
  store.images.add({ id: "i1", layers: ["x"] }, [], [layer("x")]);
  t.same(store.images.orphans(), ["y"]);
  t.same(store.images.layer("x"), { ...layer("x"), tarSize: 99 });
  t.same(store.images.removeLayers(["x", "y", "z"]), [layer("y")], "a layer that an image has stays");
});

t.test("removing an image leaves the layers that are kept, and those that were nobody's before", async (t) => {
  const { store } = testStore(t);
  store.images.addLayers([layer("o")]);
  store.images.add({ id: "i1", layers: ["x", "y"] }, ["a"], [layer("x"), layer("y")]);
  t.same(store.images.remove("i1", new Set(["x"])), [layer("y")]);
  t.same(store.images.orphans(), ["o", "x"]);
});

t.test("a name is given and taken without the image's other names changing", async (t) => {
  const { store } = testStore(t);
  store.images.add({ id: "i1", layers: [] }, ["a", "b"], []);
  store.images.tag("c", "i1");
  store.images.untag(["a", "nothing"]);
  t.same(store.images.list()[0]?.references, ["b", "c"]);
  t.throws(() => store.images.tag("d", "i2"), "a name means an image that is there");
});

t.test("the time of last use only goes forward, and recording an image again keeps it", async (t) => {
  const { store } = testStore(t);
  store.images.add({ id: "i1", layers: [] }, [], []);
  store.images.touch(["i1", "i2"], 2000);
  store.images.touch(["i1"], 1000);
  store.images.add({ id: "i1", layers: [] }, ["a"], []);
  t.equal(store.images.list()[0]?.lastUsed, 2000);
});
