import t from "tap";
import { editDistance, nearest } from "../../../src/spec/nearest.ts";

t.test("the distance counts inserts, deletes, replacements and swaps of neighbours", async (t) => {
  t.equal(editDistance("ports", "ports"), 0);
  t.equal(editDistance("prots", "ports"), 1);
  t.equal(editDistance("port", "ports"), 1);
  t.equal(editDistance("", "abc"), 3);
  t.equal(editDistance("kitten", "sitting"), 3);
});

t.test("the nearest word is found whatever its case, and nothing when all are far", async (t) => {
  const words = ["image", "imagePullPolicy", "name", "command"];
  t.equal(nearest("imagePullPolcy", words), "imagePullPolicy");
  t.equal(nearest("Image", words), "image");
  t.equal(nearest("nmae", words), "name");
  t.equal(nearest("volume", words), undefined);
  t.equal(nearest("x".repeat(100_000), words), undefined);
});
