/* The built-in calibration of verdicts, made by `nnpeek study quality`, as a text in the library. */
        .section .rodata
        .global peek__calibration_text
        .hidden peek__calibration_text
        .type   peek__calibration_text, %object
peek__calibration_text:
        .incbin "calibration.json"
        .byte   0
        .size   peek__calibration_text, . - peek__calibration_text

        .section .note.GNU-stack, "", %progbits
