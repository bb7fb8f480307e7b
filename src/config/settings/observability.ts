import { LOG_LEVELS, type LogFormat, type LogLevel } from "../../base/log.ts";
import * as parse from "../values.ts";
import type { SettingRows } from "./row.ts";

/** How one looks at the runner from outside. A port that is undefined is switched off. */
export interface ObservabilitySettings {
  readonly metricsServerPort: number | undefined;
  readonly metricsServerPath: string;
  readonly metricsServerHost: string;
  readonly appServerPort: number | undefined;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

export const OBSERVABILITY_SETTINGS: SettingRows<ObservabilitySettings> = {
  metricsServerPort: {
    variables: ["METRICS_SERVER_PORT"],
    parse: parse.portOrOff,
    fallback: () => 8989,
    absent: "off",
    meaning: "port of metrics and probes; 0 and off mean that nothing listens",
  },
  metricsServerPath: {
    variables: ["METRICS_SERVER_PATH"],
    parse: parse.metricsPath,
    fallback: () => "/metrics",
    meaning: "path of the metrics",
  },
  metricsServerHost: {
    variables: ["METRICS_SERVER_HOST"],
    parse: parse.address,
    fallback: () => "0.0.0.0",
    meaning: "address that metrics and probes listen on; 127.0.0.1 for this machine only",
  },
  appServerPort: {
    variables: ["APP_SERVER_PORT"],
    parse: parse.portOrOff,
    fallback: () => undefined,
    otherwise: "`off`",
    absent: "off",
    meaning: "second port, with the same metrics at /prometheus too: 8585 for charts up to 1.10.1",
  },
  logLevel: {
    variables: ["LOG_LEVEL"],
    parse: parse.oneOf<LogLevel>(LOG_LEVELS),
    fallback: () => "info",
    meaning: "which log lines are written",
  },
  logFormat: {
    variables: ["LOG_FORMAT"],
    parse: parse.oneOf<LogFormat>(["text", "json"]),
    fallback: () => "text",
    meaning: "how log lines look",
  },
};
