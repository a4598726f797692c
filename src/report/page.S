/* The report's page as bytes in the library: page.html lies on the include path (cmake/page.cmake). */
        .section .rodata
        .global peek__page
        .hidden peek__page
        .type   peek__page, %object
        .balign 16
peek__page:
        .incbin "page.html"
        .global peek__page_end
        .hidden peek__page_end
        .type   peek__page_end, %object
peek__page_end:
        .byte   0
        .size   peek__page, peek__page_end - peek__page
        .size   peek__page_end, 1

        .section .note.GNU-stack, "", %progbits
