// Which path and method of images and accounts calls which function; docs/api.md lists them.
import type { Routes } from "./context.ts";
import { inspectImage, listImages, pruneImages, removeImage, tagImage } from "./images.ts";
import { importImage, loadImages, saveImages } from "./images-archive.ts";
import { pullImage } from "./images-pull.ts";
import { login, logout, showLogin } from "./logins.ts";

export const IMAGE_ROUTES: Routes = {
  "/podrun/v1/images": {
    GET: (context, _request, response) => listImages(context, response),
    DELETE: (context, _request, response, target) => removeImage(context, response, target),
  },
  "/podrun/v1/images/pull": { POST: pullImage },
  "/podrun/v1/images/load": { POST: loadImages },
  "/podrun/v1/images/save": { GET: (context, _request, response, target) => saveImages(context, response, target) },
  "/podrun/v1/images/import": { POST: importImage },
  "/podrun/v1/images/tag": { POST: tagImage },
  "/podrun/v1/images/inspect": {
    GET: (context, _request, response, target) => inspectImage(context, response, target),
  },
  "/podrun/v1/images/prune": { POST: pruneImages },
  "/podrun/v1/login": {
    GET: (context, _request, response, target) => showLogin(context, response, target),
    POST: login,
  },
  "/podrun/v1/logout": { POST: logout },
};
