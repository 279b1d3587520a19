/** The pages in the order of reading, with their titles in both languages: sidebar and navigation come from here. */

export type Language = "en" | "ko";

type Titles = Readonly<Record<Language, string>>;

export interface Section {
  readonly title: Titles;
  /** Path below docs/en and docs/ko, without `.md`. */
  readonly pages: readonly (readonly [path: string, title: Titles])[];
}

export const SECTIONS: readonly Section[] = [
  {
    title: { en: "Start", ko: "시작" },
    pages: [
      ["index", { en: "Overview", ko: "개요" }],
      ["getting-started", { en: "Getting started", ko: "시작하기" }],
      ["guides/strategy_workflow", { en: "Strategy workflow", ko: "전략 작업 흐름" }],
      ["glossary", { en: "Glossary", ko: "용어집" }],
    ],
  },
  {
    title: { en: "How it works", ko: "동작 원리" },
    pages: [
      ["architecture/worldservice", { en: "The house", ko: "전체 구조" }],
      ["world/rebalancing", { en: "Rebalancing", ko: "리밸런싱" }],
      ["world/execution", { en: "Execution", ko: "실행" }],
    ],
  },
  {
    title: { en: "Reference", ko: "참조" },
    pages: [
      ["reference/rpc", { en: "RPCs", ko: "RPC" }],
      ["reference/messages", { en: "Messages", ko: "메시지" }],
      ["reference/errors", { en: "Errors", ko: "오류" }],
      ["reference/events", { en: "Events", ko: "이벤트" }],
      ["reference/metrics", { en: "Alpha metrics", ko: "알파 지표" }],
      ["reference/settings", { en: "Settings", ko: "설정" }],
      ["reference/controlbus", { en: "ControlBus", ko: "ControlBus" }],
      ["reference/cli", { en: "worldctl", ko: "worldctl" }],
    ],
  },
  {
    title: { en: "Operations", ko: "운영" },
    pages: [
      ["operations/deploy", { en: "Deploy", ko: "배포" }],
      ["operations/upgrade", { en: "Upgrade", ko: "업그레이드" }],
      ["operations/freeze", { en: "Freeze in an emergency", ko: "긴급 동결" }],
      ["operations/recover", { en: "Recover", ko: "복구" }],
      ["operations/backup", { en: "Backup", ko: "백업" }],
      ["operations/observability", { en: "Observability", ko: "관측" }],
      ["operations/security", { en: "Security", ko: "보안" }],
    ],
  },
];

/** The sidebar of one language, in the form VitePress wants. */
export function sidebar(language: Language) {
  return SECTIONS.map(({ title, pages }) => ({
    text: title[language],
    items: pages.map(([path, titles]) => ({
      text: titles[language],
      link: `/${language}/${path === "index" ? "" : path}`,
    })),
  }));
}
