"""What the device of the tests shows: a menu on an X display, moved by keys. Needs Tk.

Up and Down move the marker. Return opens what is marked, Escape goes back. While space is down something moves.
"""

import tkinter

WIDTH, HEIGHT = 640, 360
ITEMS = ("Guide", "Films", "Black")
STEP = 80


class Menu:
    def __init__(self) -> None:
        self.root = tkinter.Tk()
        self.root.geometry(f"{WIDTH}x{HEIGHT}+0+0")
        self.root.overrideredirect(boolean=True)
        self.canvas = tkinter.Canvas(self.root, width=WIDTH, height=HEIGHT, bg="#203040", highlightthickness=0)
        self.canvas.pack()
        self.at = 0
        self.page = ""
        self.ball = 0
        self.moving = False
        self.root.bind("<Key>", self.key)
        self.root.bind("<KeyRelease-space>", lambda _event: self.move(False))
        self.root.focus_force()
        self.draw()
        self.tick()

    def key(self, event: "tkinter.Event[tkinter.Misc]") -> None:
        moves = {"Up": -1, "Down": 1}
        if event.keysym in moves and not self.page:
            self.at = (self.at + moves[event.keysym]) % len(ITEMS)
        elif event.keysym == "Return":
            self.page = ITEMS[self.at]
        elif event.keysym == "Escape":
            self.page = ""
        elif event.keysym == "space":
            self.move(True)
        self.draw()

    def move(self, on: bool) -> None:
        self.moving = on

    def tick(self) -> None:
        if self.moving:
            self.ball = (self.ball + 9) % (WIDTH - 40)
            self.draw()
        self.root.after(30, self.tick)

    def draw(self) -> None:
        canvas = self.canvas
        canvas.delete("all")
        canvas.configure(bg="#000000" if self.page == "Black" else "#203040")
        if self.page == "Black":
            return
        if self.page:
            canvas.create_text(40, 60, text=f"Page of {self.page}", anchor="w", fill="white", font=("sans", -40))
            return
        for number, item in enumerate(ITEMS):
            y = 60 + number * STEP
            canvas.create_text(140, y, text=item, anchor="w", fill="white", font=("sans", -40))
            if number == self.at:
                canvas.create_rectangle(60, y - 20, 100, y + 20, fill="#ffff00", width=0)
                canvas.create_rectangle(70, y - 10, 90, y + 10, fill="#0000ff", width=0)
        if self.ball or self.moving:
            canvas.create_rectangle(self.ball, 310, self.ball + 30, 340, fill="#ff0000", width=0)


Menu().root.mainloop()
