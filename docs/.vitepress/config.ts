/** The site over docs/en, docs/ko and docs/decisions: `npm run docs:build`. */
import GithubSlugger from "github-slugger";
import { type DefaultTheme, defineConfig } from "vitepress";
import { renderDiagrams } from "./diagrams.ts";
import { type Language, sidebar } from "./pages.ts";

const NAVIGATION: Readonly<Record<Language, DefaultTheme.NavItem[]>> = {
  en: [
    { text: "Getting started", link: "/en/getting-started" },
    { text: "Reference", link: "/en/reference/rpc" },
    { text: "Operations", link: "/en/operations/deploy" },
    { text: "Decisions", link: "/decisions/" },
  ],
  ko: [
    { text: "시작하기", link: "/ko/getting-started" },
    { text: "참조", link: "/ko/reference/rpc" },
    { text: "운영", link: "/ko/operations/deploy" },
    { text: "결정 (영어)", link: "/decisions/" },
  ],
};

const KOREAN_WORDS: DefaultTheme.Config = {
  outline: { level: [2, 3], label: "이 페이지의 내용" },
  docFooter: { prev: "이전", next: "다음" },
  darkModeSwitchLabel: "화면 모드",
  lightModeSwitchTitle: "밝은 화면으로",
  darkModeSwitchTitle: "어두운 화면으로",
  sidebarMenuLabel: "메뉴",
  returnToTopLabel: "맨 위로",
  langMenuLabel: "언어",
  skipToContentLabel: "본문으로",
};

const KOREAN_SEARCH: Partial<DefaultTheme.LocalSearchOptions> = {
  translations: {
    button: { buttonText: "검색", buttonAriaLabel: "검색" },
    modal: {
      displayDetails: "자세히 보기",
      resetButtonTitle: "지우기",
      backButtonTitle: "닫기",
      noResultsText: "결과 없음:",
      footer: { selectText: "선택", navigateText: "이동", closeText: "닫기" },
    },
  },
};

export default defineConfig({
  title: "worldservice",
  cleanUrls: false,
  lastUpdated: false,
  head: [["link", { rel: "icon", href: "data:," }]],
  // Same anchors as on a code host, so that one link is right in both places.
  markdown: {
    anchor: { slugify: (heading) => new GithubSlugger().slug(heading) },
    config: renderDiagrams,
  },
  locales: {
    en: { label: "English", lang: "en", link: "/en/", themeConfig: { nav: NAVIGATION.en } },
    ko: { label: "한국어", lang: "ko", link: "/ko/", themeConfig: { ...KOREAN_WORDS, nav: NAVIGATION.ko } },
  },
  themeConfig: {
    nav: NAVIGATION.en,
    sidebar: { "/en/": sidebar("en"), "/ko/": sidebar("ko"), "/decisions/": sidebar("en") },
    outline: { level: [2, 3] },
    search: { provider: "local", options: { locales: { ko: KOREAN_SEARCH } } },
  },
});
