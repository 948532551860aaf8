// The remote command protocol's numbers, for both ends (Kubernetes v5.channel.k8s.io).

/** First byte of every message. `close` names the channel to close in its second byte. */
export const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, status: 3, resize: 4, close: 255 } as const;

/** The best first. v4 lacks the half-close of stdin. */
export const PROTOCOLS = ["v5.channel.k8s.io", "v4.channel.k8s.io"] as const;

/** WebSocket close code of a client that detaches: the process keeps its terminal and goes on. podrun's own. */
export const DETACHED = 4000;
