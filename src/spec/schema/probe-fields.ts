// Fields of probes and of lifecycle hooks (Kubernetes core/v1 Probe, Lifecycle and what they contain).

import { integer, list, object, objectType, oneOf, port, text } from "./shape.ts";
import { SIGNALS } from "./signals.ts";

const EXEC_ACTION = objectType({
  name: "ExecAction",
  fields: { command: list(text({ format: "noNul" })) },
});

const HTTP_GET_ACTION = objectType({
  name: "HTTPGetAction",
  fields: {
    port: port({ required: true, note: "a number, or the name of one of the container's ports" }),
    path: text({ default: "/", note: "may have a query" }),
    host: text({ format: "word", note: "the pod's address when absent" }),
    scheme: oneOf(["HTTP", "HTTPS"], { default: "HTTP", note: "certificates are not verified" }),
    httpHeaders: list(
      object(
        objectType({
          name: "HTTPHeader",
          fields: {
            name: text({ required: true, format: "headerName" }),
            value: text({ default: "", format: "headerValue" }),
          },
        }),
      ),
    ),
  },
});

const TCP_SOCKET_ACTION = objectType({
  name: "TCPSocketAction",
  fields: { port: port({ required: true }), host: text({ format: "word", note: "the pod's address when absent" }) },
});

const GRPC_ACTION = objectType({
  name: "GRPCAction",
  fields: {
    port: integer({ required: true, min: 1, max: 65535 }),
    service: text({ empty: true, default: "", format: "noNul", note: "asked for with grpc.health.v1.Health/Check" }),
  },
});

const SLEEP_ACTION = objectType({ name: "SleepAction", fields: { seconds: integer({ required: true, min: 0 }) } });

/** They are numbers of 32 bits. */
const MOST = 2147483647;

export const PROBE = objectType({
  name: "Probe",
  fields: {
    exec: object(EXEC_ACTION),
    httpGet: object(HTTP_GET_ACTION),
    tcpSocket: object(TCP_SOCKET_ACTION),
    grpc: object(GRPC_ACTION),
    initialDelaySeconds: integer({ min: 0, max: MOST, zeroIsAbsent: true }),
    timeoutSeconds: integer({ default: 1, min: 1, max: MOST, zeroIsAbsent: true }),
    periodSeconds: integer({ default: 10, min: 1, max: MOST, zeroIsAbsent: true }),
    successThreshold: integer({ default: 1, min: 1, max: MOST, zeroIsAbsent: true }),
    failureThreshold: integer({ default: 3, min: 1, max: MOST, zeroIsAbsent: true }),
    terminationGracePeriodSeconds: integer({ min: 1, note: "of liveness and startup probes" }),
  },
});

const LIFECYCLE_HANDLER = objectType({
  name: "LifecycleHandler",
  fields: {
    exec: object(EXEC_ACTION),
    httpGet: object(HTTP_GET_ACTION),
    tcpSocket: object(TCP_SOCKET_ACTION, {
      note: "a connection is made and closed; in a cluster this hook always fails",
    }),
    sleep: object(SLEEP_ACTION),
  },
});

export const LIFECYCLE = objectType({
  name: "Lifecycle",
  fields: {
    postStart: object(LIFECYCLE_HANDLER),
    preStop: object(LIFECYCLE_HANDLER),
    stopSignal: oneOf(SIGNALS, { emptyIsWrong: true, note: "instead of the image's; needs `spec.os.name`" }),
  },
});
