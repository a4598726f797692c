/* study/page_begin.c: how the pages of studies look. */
#include "base/memory.h"
#include "study/chart.h"

static const char head[] =
    "<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' "
    "content='width=device-width,initial-scale=1'><meta http-equiv='Content-Security-Policy' "
    "content=\"default-src 'none'; "
    "style-src 'unsafe-inline'; img-src data:\"><title>%s</title><style>"
    ":root{color-scheme:light "
    "dark;--ink:#1b1d22;--soft:#5d626c;--line:#e3e1dc;--back:#fcfbf9;--good:#1f7a4d;--bad:#b3401a}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e8e6e1;--soft:#a3a6ad;--line:#33363d;--back:#17191d;--good:"
    "#63c08f;"
    "--bad:#f08a5d}}"
    "body{margin:0 auto;max-width:1040px;padding:24px 16px 64px;background:var(--back);color:var(--ink);"
    "font:15px/1.5 system-ui,sans-serif;font-variant-numeric:tabular-nums}"
    "h1{font-size:24px;margin:0 0 4px}h2{font-size:17px;margin:40px 0 "
    "4px}p,figcaption{color:var(--soft);margin:0 0 8px;"
    "max-width:70ch}"
    "table{border-collapse:collapse;width:100%%}th,td{text-align:left;padding:5px 14px 5px 0;border-bottom:1px "
    "solid "
    "var(--line);vertical-align:top}th{font-weight:600;color:var(--soft)}"
    ".figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%%,400px),1fr));gap:16px}"
    "figure{margin:0}svg{width:100%%;height:auto}svg "
    "text{font-size:12px;fill:var(--soft)}.grid{stroke:var(--line)}"
    ".raster{width:180px}.rasters{display:flex;flex-wrap:wrap;gap:20px}.key "
    "span{display:inline-block;width:10px;height:10px;"
    "border-radius:5px;margin:0 6px 0 14px}.holds{color:var(--good)}.fails{color:var(--bad)}a{color:inherit}"
    ".latents{display:grid;grid-template-columns:repeat(auto-fill,minmax(84px,1fr));gap:10px;margin:0 0 20px}"
    ".latents img{width:100%%;image-rendering:pixelated;display:block}.latents figcaption{font-size:12px}"
    ".loadings{width:100%%;height:120px;image-rendering:pixelated;display:block;margin:0 0 10px}"
    "figcaption{font-size:13px}.wide{overflow-x:auto}"
    "</style>\n";

peek_status peek__page_begin(peek_context *context, peek__file *file, const char *title)
{
    char *safe = NULL;
    PEEK_TRY(peek__escape(context, title, &safe));
    peek_status status = peek__put(context, file, head, safe);
    if (status == PEEK_OK) status = peek__put(context, file, "<h1>%s</h1>", safe);
    peek__free(&safe);
    return status;
}
