import { z } from "zod";
import { isHttpUrl } from "../token/http-url.ts";
import { hasInvisible } from "../token/invisible.ts";

/** How the pages look that people see. */
export type Theme = {
  /** The name of the product, at the top of each page: at most 60 characters. Default: none. */
  title?: string | undefined;
  /** An https URL, or an image as a `data:` URL of at most 64 KiB. Default: none. */
  logo?: string | undefined;
  /** The colour of buttons, as `#rrggbb`. Where it could not be read or seen, a shade of it is used. Default: a green. */
  colour?: string | undefined;
};

const MAX_LOGO = 65_536;
const IMAGE = /^data:image\/(?:png|jpeg|gif|webp|avif|svg\+xml)(?:;[\w=-]+)*,[\w%+/=.~!*'(),:;?@$&-]+$/;

export const themeSchemas = {
  title: z
    .string()
    .min(1)
    .max(60, "must have at most 60 characters")
    .refine((text) => !hasInvisible(text) && text.trim() !== "", "must be visible, without direction marks"),
  logo: z
    .string()
    .max(MAX_LOGO, `must have at most ${MAX_LOGO} characters`)
    .refine(isLogo, "must be an https URL without query and credentials, or an image as a data: URL"),
  colour: z.string().regex(/^#[0-9a-f]{6}$/i, "must be a colour as #rrggbb"),
};

/** The URL standard allows `;` and `*` in a host, which mean something else in the Content-Security-Policy that names it. */
const HOST = /^[a-z0-9._-]+$/;

function isLogo(text: string): boolean {
  return IMAGE.test(text) || (/^https:/i.test(text) && isHttpUrl(text) && HOST.test(new URL(text).hostname));
}
