import { CodedError, describeError, isKind } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { CloseName } from "../../protocol/close-codes.ts";
import { decodeFrame, type Frame } from "../../protocol/codec.ts";
import { PROTOCOL_ERRORS } from "../../protocol/errors.ts";
import { LIMITS } from "../../protocol/limits.ts";
import type { MessageBodies, PipelineKey } from "../../protocol/messages.ts";
import type { Socket } from "../../runtime/socket.ts";
import { furnish, type Greeted } from "./greeted.ts";
import { type Hello, identityProblem, offeredVersions, runnerFacts, versionProblem, welcomeTo } from "./greeting.ts";
import { Inbox } from "./inbox.ts";
import { Link, type LinkEnd } from "./link.ts";
import type { Wanted } from "./pipeline-delivery.ts";
import type { LiveSession, SessionShared } from "./session-shared.ts";
import type { OperationRequest, RunnerIdentity, SessionInfo, VerdictBody, WhatChanged } from "./sessions.ts";
import type { Waiting } from "./waiting.ts";

/** The gateway's half of one session, from the open socket to its end: greeting, comparing, ready. */
export class Session implements LiveSession {
  readonly #identity: RunnerIdentity;
  readonly #shared: SessionShared;
  readonly #log: Log;
  readonly #link: Link;
  readonly #inbox: Inbox;
  #greeted: Greeted | undefined;
  /** Set when the inventory is complete: what the runner was told to have. */
  #toldWanted: Wanted | undefined;
  #ready = false;
  #orphans: readonly PipelineKey[] = [];
  #cancelDeadline: () => void;

  constructor(socket: Socket, identity: RunnerIdentity, shared: SessionShared) {
    this.#identity = identity;
    this.#shared = shared;
    this.#log = shared.log.child({ runnerId: identity.runnerId });
    this.#inbox = new Inbox({
      handle: (text, more) => this.#handle(text, more),
      onFailure: (error) => this.#fail(error),
      setFlowing: (flowing) => this.#link.setFlowing(flowing),
    });
    this.#cancelDeadline = this.#setDeadline(LIMITS.greetingSeconds, "no greeting");
    this.#link = new Link({
      socket,
      clock: shared.clock,
      capture: shared.capture,
      heartbeat: () => ({ reconnectSpreadSeconds: shared.spreadSeconds() }),
      onText: (text) => this.#inbox.push(text),
      onEnd: (end) => this.#end(end),
    });
  }

  get runnerId(): string {
    return this.#identity.runnerId;
  }

  /** 0 before the greeting. */
  get epoch(): number {
    return this.#link.epoch;
  }

  /** Undefined before the greeting. */
  get info(): SessionInfo | undefined {
    if (this.#greeted === undefined) return undefined;
    const { hello, epoch, connectedAt, delivery } = this.#greeted;
    return {
      runnerId: hello.runnerId,
      epoch,
      instanceId: hello.instanceId,
      installationId: hello.installationId,
      runnerVersion: hello.runnerVersion,
      executor: hello.executor,
      platform: hello.platform,
      maxConcurrentRuns: hello.maxConcurrentRuns,
      operations: hello.operations,
      state: this.#ready ? "ready" : "comparing",
      connectedAt,
      orphans: this.#orphans,
      refused: delivery.refused(),
      ...(this.#identity.tokenId === undefined ? {} : { tokenId: this.#identity.tokenId }),
      ...(this.#identity.address === undefined ? {} : { address: this.#identity.address }),
    };
  }

  wake(changed?: WhatChanged): void {
    this.#greeted?.dispatcher.wake(changed);
  }

  waitingOf(runId: string): Waiting | undefined {
    return this.#greeted?.dispatcher.waitingOf(runId);
  }

  /** Undefined while both sides still compare what they have. */
  ask(operation: OperationRequest): Promise<VerdictBody> | undefined {
    return this.#ready ? this.#greeted?.operations.ask(operation) : undefined;
  }

  close(name: CloseName, reason: string): void {
    this.#link.close(name, reason);
  }

  /** Resolves when the session has ended and nothing is written for it any more. */
  async finished(): Promise<void> {
    await this.#link.gone;
    await this.#inbox.idle();
    await this.#greeted?.dispatcher.idle();
  }

  async #handle(text: string, more: () => boolean): Promise<void> {
    if (this.#link.ended) return;
    if (this.#greeted === undefined) {
      const problem = versionProblem(offeredVersions(text) ?? [1]);
      if (problem !== undefined) return this.close("unsupportedVersion", problem);
    }
    const frame = decodeFrame(text, "up");
    if (frame.epoch !== this.#link.epoch) {
      return this.close("staleEpoch", `the frame has epoch ${frame.epoch}, the session ${this.#link.epoch}`);
    }
    if (this.#greeted !== undefined) {
      await this.#act(frame, this.#greeted);
      if (!more()) await this.#greeted.intake.settle(more);
    } else if (frame.type === "hello") {
      await this.#greet(frame.body);
    } else if (frame.type === "close") {
      this.#link.acceptClose(frame.body.name, frame.body.reason);
    } else {
      this.close("badFrame", `${frame.type} came before hello`);
    }
  }

  async #act(frame: Frame, greeted: Greeted): Promise<void> {
    switch (frame.type) {
      case "heartbeat":
        return;
      case "close":
        return this.#link.acceptClose(frame.body.name, frame.body.reason);
      case "inventory":
        return this.#compare(frame.body, greeted);
      case "fetch":
        greeted.delivery.fetch(frame.body.pipelineId);
        greeted.dispatcher.wake("runs");
        return;
      case "inStep":
        return this.#becomeReady(frame.body, greeted);
      case "verdict":
        if (!greeted.operations.settle(frame.body)) this.#log.debug("A verdict came that nobody waits for");
        return;
      case "run.update":
      case "run.log":
        return greeted.intake.take(frame);
      default:
        return this.close("badFrame", `${frame.type} doesn't belong here`);
    }
  }

  async #greet(hello: Hello): Promise<void> {
    const { store, clock, liveSession, enlist, superseded } = this.#shared;
    const problem = identityProblem(hello, this.#identity);
    if (problem !== undefined) return this.close(problem.name, problem.reason);
    const live = liveSession(hello.runnerId)?.info;
    const standsBy = hello.standby || superseded.has(hello.instanceId);
    if (standsBy && live !== undefined && live.instanceId !== hello.instanceId) {
      return this.close("superseded", "another process has the session; stand by");
    }
    const before = await store.findRunner(hello.runnerId);
    const now = clock.now();
    const claim = await store.claimSession(runnerFacts(hello, now), now);
    if (this.#link.ended) return;
    if ("refused" in claim && claim.refused === "retired") {
      return this.close("retired", `runner ${hello.runnerId} was taken out of service`);
    }
    if ("refused" in claim) {
      this.#log.warn("A runner id is used by another installation", {
        boundTo: claim.boundTo,
        asked: hello.installationId,
      });
      const reason = `runner id ${hello.runnerId} is bound to another installation; an administrator can rebind it`;
      return this.close("runnerIdInUse", reason);
    }
    if (!standsBy && before?.instanceId !== undefined && before.instanceId !== hello.instanceId) {
      superseded.add(before.instanceId);
    }
    superseded.remove(hello.instanceId);
    this.#link.epoch = claim.epoch;
    this.#greeted = furnish(hello, claim.epoch, this.#link, this.#shared, this.#log);
    if (!enlist(this)) return this.close("superseded", "a newer session of this runner is there");
    this.#cancelDeadline();
    this.#cancelDeadline = this.#setDeadline(LIMITS.inStepSeconds, "the states were not compared");
    this.#link.send("welcome", welcomeTo(hello, claim.epoch, this.#shared));
    this.#log.info("A runner has connected", { epoch: claim.epoch, version: hello.runnerVersion });
    this.#shared.changed(this);
  }

  async #compare(page: MessageBodies["inventory"], greeted: Greeted): Promise<void> {
    if (this.#toldWanted !== undefined) return this.close("badFrame", "inventory came after its last page");
    if (!greeted.comparison.collect(page)) return this.close("badFrame", "the inventory has too many pages");
    greeted.delivery.reported(page.pipelines);
    if (!page.last) return;
    const { wanted, difference } = await greeted.comparison.conclude();
    this.#toldWanted = wanted;
    greeted.dispatcher.doubt(difference.doubtful);
    greeted.dispatcher.stopZombies(difference.toStop);
  }

  #becomeReady(body: MessageBodies["inStep"], greeted: Greeted): void {
    if (this.#toldWanted === undefined || this.#ready) {
      this.close("badFrame", this.#ready ? "inStep came twice" : "inStep came before the inventory");
      return;
    }
    this.#cancelDeadline();
    this.#ready = true;
    this.#orphans = body.orphans;
    greeted.delivery.deletedByRunner(this.#toldWanted.tombstones);
    const { fetched, deleted, orphans } = body;
    this.#log.info("A runner is in step", { epoch: this.epoch, fetched, deleted, orphans: orphans.length });
    greeted.dispatcher.begin();
    this.#shared.changed(this);
  }

  #setDeadline(seconds: number, what: string): () => void {
    return this.#shared.clock.schedule(seconds * 1000, () =>
      this.close("verdictTimeout", `${what} within ${seconds} s`),
    );
  }

  #fail(error: unknown): void {
    if (error instanceof CodedError && Object.hasOwn(PROTOCOL_ERRORS, error.code)) {
      const name = isKind(error, PROTOCOL_ERRORS.FrameTooLarge) ? "frameTooLarge" : "badFrame";
      this.close(name, error.message);
      return;
    }
    this.#log.error("A session failed", { epoch: this.epoch, error });
    // What failed here is none of the runner's business, and may name paths.
    this.close("internal", error instanceof CodedError ? error.code : "the gateway failed; its log says why");
  }

  #end(end: LinkEnd): void {
    this.#cancelDeadline();
    this.#inbox.stop();
    this.#greeted?.dispatcher.close();
    this.#greeted?.operations.abandon();
    const quiet = end.name === "normal" || end.name === "goingAway" || this.#greeted === undefined;
    this.#log[quiet ? "info" : "warn"]("A session has ended", {
      epoch: this.epoch,
      close: end.name,
      reason: describeError(end.reason),
      byUs: end.byUs,
    });
    this.#shared.ended(this, quiet ? undefined : end);
  }
}
